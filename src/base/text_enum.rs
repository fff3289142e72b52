//! A macro for enums whose values have one name each, as the database stores it and the API shows it.

/// Gives a plain enum its names: `as_str`, `parse`, `ALL` (in the order of the list) and `Display`.
///
/// ```ignore
/// text_enum!(Lock { None = "none", Onboarding = "onboarding", Admin = "admin" });
/// ```
macro_rules! text_enum {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name, as the database stores it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value of this name, as the database stores it.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use text_enum;
