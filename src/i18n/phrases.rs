//! The ready-made sentences of the mails, one constant per language.
//!
//! They exist because templates have no conditions: what depends on whether something is known is chosen here.

use crate::i18n::locale::Language;

/// Slots: `{name}` given name, `{inviter}`, `{organization}`, `{when}` a moment, `{duration}`, `{contact}` an
/// address to write to.
pub(crate) struct Phrases {
    pub greeting_named: &'static str,
    pub greeting: &'static str,
    pub invited_by: &'static str,
    pub invited: &'static str,
    pub expires: &'static str,
    /// follows `expires`: what to do when that time is over
    pub late: &'static str,
    pub never_expires: &'static str,
    /// stands for a moment or a duration when there is none
    pub never: &'static str,
    pub help_contact: &'static str,
    pub help: &'static str,
    /// the address follows it
    pub sign_in: &'static str,
}

pub(crate) fn of(language: Language) -> &'static Phrases {
    match language {
        Language::En => &EN,
        Language::De => &DE,
        Language::Es => &ES,
        Language::Fr => &FR,
        Language::PtBr => &PT_BR,
        Language::Ja => &JA,
        Language::ZhCn => &ZH_CN,
        Language::Ar => &AR,
    }
}

static EN: Phrases = Phrases {
    greeting_named: "Hello {name},",
    greeting: "Hello,",
    invited_by: "{inviter} has invited you to join {organization}.",
    invited: "You have been invited to join {organization}.",
    expires: "The link works once and for {duration}, until {when}.",
    late: "If it is too late by then, open the link all the same: the page says how to get a new one.",
    never_expires: "The link works once and never expires.",
    never: "never expires",
    help_contact: "Questions? Write to {contact}.",
    help: "Questions? Ask your administrator.",
    sign_in: "Sign in here:",
};

static DE: Phrases = Phrases {
    greeting_named: "Guten Tag {name},",
    greeting: "Guten Tag,",
    invited_by: "{inviter} hat Sie zu {organization} eingeladen.",
    invited: "Sie wurden zu {organization} eingeladen.",
    expires: "Der Link funktioniert einmal und {duration} lang, bis {when}.",
    late: "Sollte es dann zu spät sein, öffnen Sie den Link trotzdem: Die Seite sagt Ihnen, wie Sie einen neuen bekommen.",
    never_expires: "Der Link funktioniert einmal und läuft nie ab.",
    never: "läuft nie ab",
    help_contact: "Fragen? Schreiben Sie an {contact}.",
    help: "Fragen? Wenden Sie sich an Ihren Administrator.",
    sign_in: "Hier melden Sie sich an:",
};

static ES: Phrases = Phrases {
    greeting_named: "Hola, {name}:",
    greeting: "Hola:",
    invited_by: "{inviter} le ha invitado a unirse a {organization}.",
    invited: "Ha recibido una invitación para unirse a {organization}.",
    expires: "El enlace funciona una sola vez y durante {duration}, hasta el {when}.",
    late: "Si para entonces ya es tarde, abra el enlace de todos modos: la página le dirá cómo obtener uno nuevo.",
    never_expires: "El enlace funciona una sola vez y no caduca nunca.",
    never: "no caduca nunca",
    help_contact: "¿Tiene preguntas? Escriba a {contact}.",
    help: "¿Tiene preguntas? Consulte a su administrador.",
    sign_in: "Inicie sesión aquí:",
};

static FR: Phrases = Phrases {
    greeting_named: "Bonjour {name},",
    greeting: "Bonjour,",
    invited_by: "{inviter} vous invite à rejoindre {organization}.",
    invited: "Vous êtes invité à rejoindre {organization}.",
    expires: "Le lien fonctionne une seule fois et pendant {duration}, jusqu’au {when}.",
    late: "S’il est trop tard, ouvrez quand même le lien : la page vous dira comment en obtenir un nouveau.",
    never_expires: "Le lien fonctionne une seule fois et n’expire jamais.",
    never: "n’expire jamais",
    help_contact: "Des questions ? Écrivez à {contact}.",
    help: "Des questions ? Adressez-vous à votre administrateur.",
    sign_in: "Connectez-vous ici :",
};

static PT_BR: Phrases = Phrases {
    greeting_named: "Olá, {name}!",
    greeting: "Olá!",
    invited_by: "{inviter} convidou você para {organization}.",
    invited: "Você recebeu um convite para {organization}.",
    expires: "O link funciona uma única vez e por {duration}, até {when}.",
    late: "Se já for tarde, abra o link mesmo assim: a página explica como obter um novo.",
    never_expires: "O link funciona uma única vez e nunca expira.",
    never: "nunca expira",
    help_contact: "Dúvidas? Escreva para {contact}.",
    help: "Dúvidas? Fale com seu administrador.",
    sign_in: "Entre aqui:",
};

static JA: Phrases = Phrases {
    greeting_named: "{name} 様",
    greeting: "こんにちは。",
    invited_by: "{inviter} さんから {organization} への招待が届いています。",
    invited: "{organization} への招待が届いています。",
    expires: "リンクは 1 回だけ使えます。有効期間は {duration}で、{when} までです。",
    late: "期限を過ぎた場合もリンクを開いてください。新しいリンクの入手方法をご案内します。",
    never_expires: "リンクは 1 回だけ使えます。有効期限はありません。",
    never: "有効期限なし",
    help_contact: "ご不明な点は {contact} までお問い合わせください。",
    help: "ご不明な点は管理者にお問い合わせください。",
    sign_in: "サインインはこちら:",
};

static ZH_CN: Phrases = Phrases {
    greeting_named: "{name}，您好：",
    greeting: "您好：",
    invited_by: "{inviter} 邀请您加入 {organization}。",
    invited: "您已受邀加入 {organization}。",
    expires: "该链接只能使用一次，有效期为 {duration}，至 {when}。",
    late: "如果届时已过期，仍请打开该链接：页面会告诉您如何获取新链接。",
    never_expires: "该链接只能使用一次，永不过期。",
    never: "永不过期",
    help_contact: "有疑问？请写信至 {contact}。",
    help: "有疑问？请联系您的管理员。",
    sign_in: "登录地址：",
};

static AR: Phrases = Phrases {
    greeting_named: "مرحبًا {name}،",
    greeting: "مرحبًا،",
    invited_by: "وصلتك دعوة من {inviter} للانضمام إلى {organization}.",
    invited: "وصلتك دعوة للانضمام إلى {organization}.",
    expires: "يعمل الرابط مرة واحدة ولمدة {duration}، حتى {when}.",
    late: "إذا فات الأوان حينها، فافتح الرابط مع ذلك: تخبرك الصفحة كيف تحصل على رابط جديد.",
    never_expires: "يعمل الرابط مرة واحدة ولا تنتهي صلاحيته.",
    never: "بلا انتهاء",
    help_contact: "هل لديك أسئلة؟ راسِلنا على {contact}.",
    help: "هل لديك أسئلة؟ اسأل المسؤول.",
    sign_in: "سجّل الدخول هنا:",
};
