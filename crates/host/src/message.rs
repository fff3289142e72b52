//! What crosses between the wasm and the host.

/// Numbers and texts on their way to the host.
#[derive(Default)]
pub struct Message {
    words: Vec<f64>,
    text: String,
}

impl Message {
    pub(crate) fn words(&self) -> &[f64] {
        &self.words
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns a message with nothing in it that has room for so many numbers and bytes of text.
    #[must_use]
    pub fn with_capacity(words: usize, text: usize) -> Self {
        Self { words: Vec::with_capacity(words), text: String::with_capacity(text) }
    }

    /// Adds a number.
    pub fn number(&mut self, number: f64) {
        self.words.push(number);
    }

    /// Adds an address in the wasm's memory, or a length of what is there.
    pub fn address(&mut self, address: usize) {
        // An address of 32 bits.
        self.words.push(f64::from(u32::try_from(address).unwrap_or_default()));
    }

    /// Adds a text.
    pub fn write_text(&mut self, text: &str) {
        // The host counts in UTF-16.
        self.address(if text.is_ascii() { text.len() } else { text.encode_utf16().count() });
        self.text.push_str(text);
    }

    /// Adds bytes, which the host copies before the call returns.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.address(bytes.as_ptr() as usize);
        self.address(bytes.len());
    }
}

/// Numbers, texts and bytes from the host, to be read in the order in which it wrote them.
pub struct Reply {
    /// How many numbers there are and how many bytes of text, as 32 bits each; the numbers; the text; the bytes.
    message: Vec<u8>,
    next_word: usize,
    next_text: usize,
    text_end: usize,
}

/// The bytes of the two counts.
const COUNTS: usize = 8;

impl Reply {
    pub(crate) fn new(message: Vec<u8>) -> Self {
        let count = |at: usize| -> usize {
            let bytes = message.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let text = COUNTS + 8 * count(0);
        let text_end = (text + count(4)).min(message.len());
        // All of it is checked once: what is read from it is cut out.
        let is_text = message.get(text..text_end).is_some_and(|text| std::str::from_utf8(text).is_ok());
        let text_end = if is_text { text_end } else { text };
        Self { message, next_word: COUNTS, next_text: text, text_end }
    }

    /// Reads a number; 0 where there is none.
    pub fn number(&mut self) -> f64 {
        let word = self.message.get(self.next_word..self.next_word + 8).and_then(|bytes| bytes.try_into().ok());
        self.next_word += 8;
        f64::from_le_bytes(word.unwrap_or_default())
    }

    /// Reads a count.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    pub fn count(&mut self) -> usize {
        self.number() as usize
    }

    /// Reads a text; empty where there is none.
    pub fn text(&mut self) -> &str {
        let start = self.next_text.min(self.text_end);
        self.next_text += self.count();
        let bytes = self.message.get(start..self.next_text.min(self.text_end)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Reads a text that there may be.
    pub fn optional_text(&mut self) -> Option<String> {
        (self.number() != 0.0).then(|| self.text().to_owned())
    }

    /// Returns the bytes.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.message.split_off(self.text_end)
    }
}
