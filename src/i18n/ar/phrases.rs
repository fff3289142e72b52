//! The ready-made sentences of the mails in Arabic.

use crate::i18n::phrases::Phrases;

pub(super) static PHRASES: Phrases = Phrases {
    greeting_named: "مرحبًا {name}،",
    greeting: "مرحبًا،",
    invited_by: "وصلتك دعوة من {inviter} للانضمام إلى {organization}.",
    invited: "وصلتك دعوة للانضمام إلى {organization}.",
    expires: "يعمل الرابط مرة واحدة ولمدة {duration}، حتى {when}.",
    late: "إذا فات الأوان حينها، فافتح الرابط مع ذلك: تخبرك الصفحة كيف تحصل على رابط جديد.",
    never_expires: "يعمل الرابط مرة واحدة ولا تنتهي صلاحيته.",
    never: "بلا انتهاء",
    reminder: "تذكير",
    reminder_sentence: "هذه رسالة تذكير.",
    help_contact: "هل لديك أسئلة؟ راسِلنا على {contact}.",
    help: "هل لديك أسئلة؟ اسأل المسؤول.",
    sign_in: "سجّل الدخول هنا:",
};
