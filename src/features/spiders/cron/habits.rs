//! What people write who come from other crons, in the words of the parser: the last Friday as `L5` for `5L`, and ranges
//! that run over the end, such as `22-4` for `22-23,0-4`.

/// Names of the months from 1 on, and of the days of the week from 0 on.
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the six fields.
struct Field {
    first: u32,
    last: u32,
    names: &'static [&'static str],
    is_weekday: bool,
}

const fn numbers(first: u32, last: u32) -> Field {
    Field { first, last, names: &[], is_weekday: false }
}

/// Seconds, minutes, hours, days, months, days of the week.
const FIELDS: [Field; 6] = [
    numbers(0, 59),
    numbers(0, 59),
    numbers(0, 23),
    numbers(1, 31),
    Field { first: 1, last: 12, names: &MONTHS, is_weekday: false },
    Field { first: 0, last: 6, names: &WEEKDAYS, is_weekday: true },
];

/// `expr` has five or six fields. What is not understood stays as it is: the parser says what is wrong with it.
pub(super) fn rewritten(expr: &str) -> String {
    let given: Vec<&str> = expr.split_whitespace().collect();
    let fields = FIELDS.iter().skip(FIELDS.len().saturating_sub(given.len()));
    let fields: Vec<String> = given.iter().zip(fields).map(|(text, field)| field.rewritten(text)).collect();
    fields.join(" ")
}

impl Field {
    fn rewritten(&self, text: &str) -> String {
        let parts: Vec<String> = text
            .split(',')
            .map(|part| self.last_weekday(part).or_else(|| self.over_the_end(part)).unwrap_or_else(|| part.to_owned()))
            .collect();
        parts.join(",")
    }

    fn last_weekday(&self, part: &str) -> Option<String> {
        let day = part.strip_prefix(['L', 'l']).filter(|_| self.is_weekday)?;
        matches!(day.as_bytes(), [b'0'..=b'7']).then(|| format!("{day}L"))
    }

    /// A range whose end lies before its beginning; with a step, the values themselves.
    fn over_the_end(&self, part: &str) -> Option<String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = range.split_once('-')?;
        let (from, to) = (self.value(from)?, self.value(to)?);
        // 7 is Sunday, too; `5-7` is no range over the end.
        let is_sunday = self.is_weekday && to == self.last + 1;
        if from <= to && !(self.is_weekday && from == self.last + 1) || is_sunday {
            return None;
        }
        let count = self.last - self.first + 1;
        let (from, to) = (self.first + (from - self.first) % count, self.first + (to - self.first) % count);
        let Some(step) = step else {
            return Some(if from <= to {
                format!("{from}-{to}")
            } else {
                format!("{from}-{},{}-{to}", self.last, self.first)
            });
        };
        let length = (to + count - from) % count;
        let step = usize::try_from(step).ok()?;
        let values =
            (0..=length).step_by(step).map(|ahead| (self.first + (from - self.first + ahead) % count).to_string());
        Some(values.collect::<Vec<_>>().join(","))
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(at) => self.first + u32::try_from(at).ok()?,
            None => text.parse().ok()?,
        };
        let last = if self.is_weekday { self.last + 1 } else { self.last };
        (self.first..=last).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_over_the_end_and_last_weekdays() {
        for (given, wanted) in [
            ("0 22-4 * * *", "0 22-23,0-4 * * *"),
            ("0 0 22-4 * * *", "0 0 22-23,0-4 * * *"),
            ("50-10 * * * *", "50-59,0-10 * * * *"),
            ("0 22-4/2 * * *", "0 22,0,2,4 * * *"),
            ("50-10/7 * * * *", "50,57,4 * * * *"),
            ("0 0 25-5 * *", "0 0 25-31,1-5 * *"),
            ("0 0 1 NOV-feb *", "0 0 1 11-12,1-2 *"),
            ("0 0 * * FRI-MON", "0 0 * * 5-6,0-1"),
            ("0 0 * * 5-1", "0 0 * * 5-6,0-1"),
            ("0 0 * * 7-2", "0 0 * * 0-2"),
            ("0 0 * * L5", "0 0 * * 5L"),
            ("0 0 * * l0,3", "0 0 * * 0L,3"),
            ("0 8,22-4,12 * * *", "0 8,22-23,0-4,12 * * *"),
        ] {
            assert_eq!(rewritten(given), wanted, "{given}");
        }
    }

    #[test]
    fn everything_else_stays() {
        for expr in [
            "*/5 * * * *",
            "0 4-22 * * *",
            "0 0 L * *",
            "0 0 LW * *",
            "0 0 15W * 5#2",
            "0 0 * * MON-FRI",
            "0 0 * * 5-7",
            "0 0 * * 0-7",
            "0 0 * * L",
            "0 0 * * L8",
            "0 99-4 * * *",
            "0 22-4/0 * * *",
            "a-b c-1 * * x",
            "4-4 * * * *",
        ] {
            assert_eq!(rewritten(expr), expr);
        }
    }
}
