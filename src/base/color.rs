//! Colours, and how well one can be told from another (WCAG 2.2, 1.4.3).

use std::fmt;

/// The least contrast of text with what is behind it (level AA).
pub const LEAST_CONTRAST: f64 = 4.5;

/// A colour by its red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// A colour of `0xrrggbb`.
    #[must_use]
    pub const fn of(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self([red, green, blue])
    }

    /// Reads `#rrggbb` or `#rgb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_digits(text.strip_prefix('#')?)
    }

    /// Reads the same without the sign.
    #[must_use]
    pub fn parse_digits(digits: &str) -> Option<Self> {
        let digits: Vec<u32> = digits.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
        let short = match digits.len() {
            3 => true,
            6 => false,
            _ => return None,
        };
        let rgb =
            digits.iter().fold(0, |rgb, digit| if short { (rgb << 8) | (digit * 17) } else { (rgb << 4) | digit });
        Some(Self::of(rgb))
    }

    /// Its six digits.
    #[must_use]
    pub fn digits(self) -> String {
        let [red, green, blue] = self.0;
        format!("{red:02x}{green:02x}{blue:02x}")
    }

    /// How bright it is, from 0 to 1 ("relative luminance").
    fn brightness(self) -> f64 {
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Returns the contrast of two colours, from 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.brightness(), other.brightness());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Returns the colour with so many hundredths of another.
    #[must_use]
    pub fn mixed(self, other: Self, hundredths: u16) -> Self {
        let mut mixed = self.0;
        for (part, with) in mixed.iter_mut().zip(other.0) {
            let sum = u16::from(*part) * (100 - hundredths) + u16::from(with) * hundredths;
            *part = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// Returns the colour with as little of `helper` as makes it readable on `back`.
    #[must_use]
    pub fn readable(self, back: Self, helper: Self) -> Self {
        let steps = (0..=100).step_by(4).map(|hundredths| self.mixed(helper, hundredths));
        let mut readable = steps.filter(|color| color.contrast(back) >= LEAST_CONTRAST);
        readable.next().unwrap_or(helper)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.digits())
    }
}

/// Returns the light of one part of a colour: of sRGB's 0 to 255, from 0 to 1.
fn linear(part: u8) -> f64 {
    let share = f64::from(part) / 255.0;
    if share <= 0.04045 {
        return share / 12.92;
    }
    // x to the power of 2.4 is x² times the fifth root of x², which Newton's method finds without a library of functions.
    let square = ((share + 0.055) / 1.055) * ((share + 0.055) / 1.055);
    let mut root = 1.0;
    for _ in 0..24 {
        let fourth: f64 = root * root * root * root;
        root -= (fourth * root - square) / (5.0 * fourth);
    }
    square * root
}

#[cfg(test)]
mod tests {
    use super::{Color, LEAST_CONTRAST, linear};

    #[test]
    fn colours_are_read_in_both_lengths() {
        assert_eq!(Color::parse("#1F6feb").map(|color| color.to_string()), Some("#1f6feb".to_owned()));
        assert_eq!(Color::parse("#abc"), Color::parse("#aabbcc"));
        for bad in ["", "#", "1f6feb", "#1f6fe", "#1f6febff", "#ggg", "red", "#é", "#+12345"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let on_white = |text: &str| format!("{:.2}", Color::parse(text).expect("a color").contrast(Color::WHITE));
        assert_eq!(on_white("#000"), "21.00");
        assert_eq!(on_white("#fff"), "1.00");
        assert_eq!(on_white("#767676"), "4.54");
        assert_eq!(on_white("#777777"), "4.48");
        assert_eq!(on_white("#0969da"), "5.19");
        for part in 0..=255_u8 {
            let share = f64::from(part) / 255.0;
            let exact = if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) };
            assert!((linear(part) - exact).abs() < 1e-9, "{part}");
        }
    }

    #[test]
    fn a_colour_is_made_readable() {
        let back = Color::of(0x1a_21_25);
        let light = Color::of(0x17_59_6a).readable(back, Color::WHITE);
        assert!(light.contrast(back) >= LEAST_CONTRAST && light != Color::WHITE);
        assert_eq!(Color::WHITE.readable(back, Color::WHITE), Color::WHITE);
    }
}
