//! Dates and durations in Simplified Chinese.

use crate::i18n::words::Words;

pub(super) static WORDS: Words = Words {
    weekdays: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
    months: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"],
    date_time: "{year}年{month}月{day}日{weekday} {time}（UTC）",
    seconds: |n| format!("{n} 秒"),
    minutes: |n| format!("{n} 分钟"),
    hours: |n| format!("{n} 小时"),
    days: |n| format!("{n} 天"),
};
