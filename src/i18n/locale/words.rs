//! Names of days and months, date patterns and units of time, one constant per language.

use crate::i18n::locale::Language;

/// What one language needs to say a date or a duration.
pub(super) struct Words {
    /// from Monday
    pub weekdays: [&'static str; 7],
    pub months: [&'static str; 12],
    /// a pattern of `{weekday}`, `{day}`, `{month}`, `{year}` and `{time}`
    pub date_time: &'static str,
    pub seconds: fn(u64) -> String,
    pub minutes: fn(u64) -> String,
    pub hours: fn(u64) -> String,
    pub days: fn(u64) -> String,
}

pub(super) fn of(language: Language) -> &'static Words {
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

/// A number with its noun, for languages with one singular and one plural.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

static EN: Words = Words {
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    date_time: "{weekday}, {month} {day}, {year}, {time} UTC",
    seconds: |n| counted(n, "second", "seconds"),
    minutes: |n| counted(n, "minute", "minutes"),
    hours: |n| counted(n, "hour", "hours"),
    days: |n| counted(n, "day", "days"),
};

static DE: Words = Words {
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    date_time: "{weekday}, {day}. {month} {year}, {time} Uhr UTC",
    seconds: |n| counted(n, "Sekunde", "Sekunden"),
    minutes: |n| counted(n, "Minute", "Minuten"),
    hours: |n| counted(n, "Stunde", "Stunden"),
    // the phrases use durations in the accusative, where "Tage" has no ending of its own
    days: |n| counted(n, "Tag", "Tage"),
};

static ES: Words = Words {
    weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    date_time: "{weekday}, {day} de {month} de {year}, {time} UTC",
    seconds: |n| counted(n, "segundo", "segundos"),
    minutes: |n| counted(n, "minuto", "minutos"),
    hours: |n| counted(n, "hora", "horas"),
    days: |n| counted(n, "día", "días"),
};

static FR: Words = Words {
    weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    date_time: "{weekday} {day} {month} {year}, {time} UTC",
    seconds: |n| counted(n, "seconde", "secondes"),
    minutes: |n| counted(n, "minute", "minutes"),
    hours: |n| counted(n, "heure", "heures"),
    days: |n| counted(n, "jour", "jours"),
};

static PT_BR: Words = Words {
    weekdays: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    date_time: "{weekday}, {day} de {month} de {year}, {time} UTC",
    seconds: |n| counted(n, "segundo", "segundos"),
    minutes: |n| counted(n, "minuto", "minutos"),
    hours: |n| counted(n, "hora", "horas"),
    days: |n| counted(n, "dia", "dias"),
};

static JA: Words = Words {
    weekdays: ["月", "火", "水", "木", "金", "土", "日"],
    months: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
    date_time: "{year}年{month}月{day}日（{weekday}）{time}（UTC）",
    seconds: |n| format!("{n}秒"),
    minutes: |n| format!("{n}分"),
    hours: |n| format!("{n}時間"),
    days: |n| format!("{n}日間"),
};

static ZH_CN: Words = Words {
    weekdays: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
    months: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
    date_time: "{year}年{month}月{day}日{weekday} {time}（UTC）",
    seconds: |n| format!("{n} 秒"),
    minutes: |n| format!("{n} 分钟"),
    hours: |n| format!("{n} 小时"),
    days: |n| format!("{n} 天"),
};

static AR: Words = Words {
    weekdays: ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
    months: [
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ],
    date_time: "{weekday} {day} {month} {year}، الساعة {time} بالتوقيت العالمي (UTC)",
    seconds: |n| arabic(n, "ثانية واحدة", "ثانيتين", "ثوانٍ", "ثانية"),
    minutes: |n| arabic(n, "دقيقة واحدة", "دقيقتين", "دقائق", "دقيقة"),
    hours: |n| arabic(n, "ساعة واحدة", "ساعتين", "ساعات", "ساعة"),
    days: |n| arabic(n, "يوم واحد", "يومين", "أيام", "يومًا"),
};

/// Arabic counts in four steps that matter here: one, two (the dual carries its own number), three to ten, and
/// eleven upwards; the round hundreds take the singular without an ending.
fn arabic(n: u64, one: &str, two: &str, few: &str, many: &str) -> String {
    match (n, n % 100) {
        (1, _) => one.to_owned(),
        (2, _) => two.to_owned(),
        (_, 3..=10) => format!("{n} {few}"),
        (_, 0..=2) => format!("{n} {}", many.trim_end_matches("ًا")),
        _ => format!("{n} {many}"),
    }
}
