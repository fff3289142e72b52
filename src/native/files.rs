//! The `Files` port over the files of the source.

use crate::pages::assets;
use crate::ports::Files;

/// The files, as they were when this was compiled.
pub struct Included;
impl Files for Included {
    fn read(&self, name: &str) -> Option<String> {
        let all = [
            (assets::STYLE, include_str!("../pages/assets/latchkey.css")),
            (assets::SCRIPT, include_str!("../pages/assets/latchkey.js")),
            (assets::CONSOLE_STYLE, include_str!("../pages/assets/console.css")),
            (assets::CONSOLE_SCRIPT, include_str!("../pages/assets/console.js")),
            (assets::ICON, include_str!("../pages/assets/latchkey.svg")),
            (assets::OPENAPI, include_str!("../../docs/openapi.json")),
        ];
        all.into_iter().find(|(asset, _)| asset.name == name).map(|(_, text)| text.to_owned())
    }
}
