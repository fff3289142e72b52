//! The ready-made sentences of the mails in Japanese.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "{name} 様",
    greeting: "こんにちは。",
    invited_by: "{inviter} さんから {organization} への招待が届いています。",
    invited: "{organization} への招待が届いています。",
    expires: "リンクは 1 回だけ使えます。有効期間は {duration}で、{when} までです。",
    late: "期限を過ぎた場合もリンクを開いてください。新しいリンクの入手方法をご案内します。",
    never_expires: "リンクは 1 回だけ使えます。有効期限はありません。",
    never: "有効期限なし",
    reminder: "リマインダー",
    reminder_sentence: "これはリマインダーです。",
    help_contact: "ご不明な点は {contact} までお問い合わせください。",
    help: "ご不明な点は管理者にお問い合わせください。",
    sign_in: "サインインはこちら:",
};
