//! Dates and durations in Japanese.

use crate::i18n::words::Words;

pub(super) static WORDS: Words = Words {
    weekdays: ["月", "火", "水", "木", "金", "土", "日"],
    months: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
    date_time: "{year}年{month}月{day}日（{weekday}）{time}（UTC）",
    seconds: |n| format!("{n}秒"),
    minutes: |n| format!("{n}分"),
    hours: |n| format!("{n}時間"),
    days: |n| format!("{n}日間"),
};
