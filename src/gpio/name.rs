//! How a configuration names a line.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Largest offset that is believed; GPIO chips have at most some hundred lines.
const MOST: u32 = 1023;

/// Which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineName {
    /// On the chip of its section; the GPIO number on a Pi.
    Offset(u32),
    /// `GPIO17`, as the board's device tree names it, on whatever chip.
    Named(String),
    /// `gpiochip0:17`.
    OnChip { chip: String, offset: u32 },
}

impl LineName {
    /// The GPIO number of a Raspberry Pi, for a driver that knows nothing else.
    pub fn pi_number(&self) -> Option<u8> {
        let number = match self {
            LineName::Offset(offset) => *offset,
            LineName::Named(name) => name.strip_prefix("GPIO")?.parse().ok()?,
            LineName::OnChip { .. } => return None,
        };
        u8::try_from(number).ok().filter(|number| *number <= 53)
    }

    /// Whether both surely mean the same line, each with the chip that its offsets belong to.
    pub fn same_line((a, chip_a): (&LineName, &str), (b, chip_b): (&LineName, &str)) -> bool {
        fn place<'a>(line: &'a LineName, chip: &'a str) -> Option<(&'a str, u32)> {
            let (chip, offset) = match line {
                LineName::Offset(offset) => (chip, *offset),
                LineName::OnChip { chip, offset } => (chip.as_str(), *offset),
                LineName::Named(_) => return None,
            };
            Some((chip.strip_prefix("/dev/").unwrap_or(chip), offset))
        }
        match (place(a, chip_a), place(b, chip_b)) {
            (None, None) => a == b,
            (a, b) => a == b,
        }
    }
}

impl FromStr for LineName {
    /// What is allowed.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<LineName, &'static str> {
        const ALLOWED: &str =
            "allowed: 0 to 1023, a line's name (\"GPIO17\"), or chip and offset (\"gpiochip0:17\")";
        let offset =
            |digits: &str| digits.parse().ok().filter(|offset| *offset <= MOST).ok_or(ALLOWED);
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(LineName::Offset(offset(text)?));
        }
        if let Some((chip, digits)) = text.rsplit_once(':')
            && (chip.starts_with("gpiochip") || chip.starts_with('/'))
        {
            return Ok(LineName::OnChip { chip: chip.to_owned(), offset: offset(digits)? });
        }
        // The kernel keeps at most 31 bytes of a name.
        let number = text.parse::<f64>().is_ok();
        let plain = !number && text.len() < 32 && !text.chars().any(|c| c.is_control());
        if plain && text.trim() == text {
            Ok(LineName::Named(text.to_owned()))
        } else {
            Err(ALLOWED)
        }
    }
}

impl Display for LineName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            LineName::Offset(offset) => write!(f, "GPIO line {offset}"),
            LineName::Named(name) => write!(f, "GPIO line {name}"),
            LineName::OnChip { chip, offset } => write!(f, "GPIO line {chip}:{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LineName {
        text.parse().unwrap()
    }

    #[test]
    fn lines_are_numbers_names_or_chip_and_offset() {
        assert_eq!(line("17"), LineName::Offset(17));
        assert_eq!(line("GPIO17"), LineName::Named("GPIO17".into()));
        assert_eq!(line("PH.00"), LineName::Named("PH.00".into()));
        assert_eq!(line("a:b"), LineName::Named("a:b".into()));
        let on_chip = LineName::OnChip { chip: "gpiochip4".into(), offset: 5 };
        assert_eq!(line("gpiochip4:5"), on_chip);
        for bad in
            ["", "-1", "1.5", "1024", "99999999999", "gpiochip0:", "gpiochip0:x", " 17", "a\nb"]
        {
            assert!(bad.parse::<LineName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_pi_knows_numbers_and_its_own_names() {
        for (text, number) in [
            ("17", Some(17)),
            ("GPIO4", Some(4)),
            ("54", None),
            ("PH.00", None),
            ("/dev/gpiochip0:3", None),
        ] {
            assert_eq!(line(text).pi_number(), number, "{text}");
        }
    }

    #[test]
    fn one_line_under_two_names_is_noticed() {
        let chips = ["/dev/gpiochip0", "gpiochip0"];
        let same =
            |a: &str, b: &str| LineName::same_line((&line(a), chips[0]), (&line(b), chips[1]));
        assert!(same("17", "gpiochip0:17") && same("/dev/gpiochip0:17", "17"));
        assert!(same("GPIO17", "GPIO17") && !same("17", "gpiochip1:17") && !same("17", "18"));
    }
}
