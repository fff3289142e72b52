//! The ready-made sentences of the mails in Simplified Chinese.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "{name}，您好：",
    greeting: "您好：",
    invited_by: "{inviter} 邀请您加入 {organization}。",
    invited: "您已受邀加入 {organization}。",
    expires: "该链接只能使用一次，有效期为 {duration}，至 {when}。",
    late: "如果届时已过期，仍请打开该链接：页面会告诉您如何获取新链接。",
    never_expires: "该链接只能使用一次，永不过期。",
    never: "永不过期",
    reminder: "提醒",
    reminder_sentence: "这是一封提醒邮件。",
    help_contact: "有疑问？请写信至 {contact}。",
    help: "有疑问？请联系您的管理员。",
    sign_in: "登录地址：",
};
