//! The tenant's branding on pages: its logo, and a style sheet with its colours, which says all in its address.

use maud::{Markup, html};

use crate::base::color::Color;
use crate::model::settings::{DARK_BACK, Settings};

/// The folder of the style sheets with a tenant's colours.
pub const COLORS: &str = "/branding/colors/";

/// The light page, where it is darkest.
const LIGHT_BACK: Color = Color::of(0x00f4_f5f6);

/// The address of the style sheet, below the tenant's prefix; `None` where no colour is set.
#[must_use]
pub fn style_path(settings: &Settings) -> Option<String> {
    let digits = |color: Option<Color>| color.map(Color::digits).unwrap_or_default();
    let (light, dark) = (settings.brand_color, settings.brand_color_dark);
    (light.is_some() || dark.is_some()).then(|| format!("{COLORS}{}-{}.css", digits(light), digits(dark)))
}

/// The style sheet of an address, by what follows [`COLORS`] in it: the colours, each made as readable as text must be.
#[must_use]
pub fn style(name: &str) -> Option<String> {
    let (light, dark) = name.strip_suffix(".css")?.split_once('-')?;
    let read = |digits: &str| {
        if digits.is_empty() { Some(None) } else { Color::parse_digits(digits).filter(|_| digits.len() == 6).map(Some) }
    };
    let (light, dark) = (read(light)?, read(dark)?);
    let dark = dark.or(light)?.readable(DARK_BACK, Color::WHITE);
    let mut style = String::new();
    if let Some(light) = light {
        let light = light.readable(LIGHT_BACK, Color::BLACK);
        let hot = light.mixed(Color::BLACK, 25);
        style = format!(":root{{--accent:{light};--accent-hot:{hot};--on-accent:#fff}}\n");
    }
    let hot = dark.mixed(Color::WHITE, 30);
    Some(
        style
            + &format!(
                "@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--accent-hot:{hot};--on-accent:#0b2229}}}}\n"
            ),
    )
}

/// The logo, or the mark that stands for one. The organization's name follows it in words.
#[must_use]
pub fn mark(prefix: &str, settings: Option<&Settings>) -> Markup {
    html! {
        @if let Some(logo) = settings.and_then(|settings| settings.logo.as_ref()) {
            @let (width, height) = logo.shown(160, 48);
            img.logo src={ (prefix) (logo.path()) } alt="" width=(width) height=(height);
        } @else {
            span.mark aria-hidden="true" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::style;

    #[test]
    fn a_style_sheet_is_made_of_its_address() {
        let both = style("767676-9ecbff.css").expect("a style sheet");
        assert!(both.contains("--accent:#6c6c6c") && both.contains("--accent:#9ecbff"), "{both}");
        assert!(style("0969da-.css").expect("a style sheet").contains("prefers-color-scheme:dark"));
        assert!(!style("-9ecbff.css").expect("a style sheet").contains("--on-accent:#fff"));
        for bad in ["", ".css", "-.css", "0969da.css", "red-.css", "fff-.css", "0969da-.js", "0969da-}body{.css"] {
            assert_eq!(style(bad), None, "{bad}");
        }
    }
}
