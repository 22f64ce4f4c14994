//! Text by the columns it takes: a Chinese character takes two, and is never cut in half.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// As much of `text` as fits into `columns`.
pub fn cut(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > columns
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// `text` in exactly `columns`, cut or with spaces after it.
pub fn pad(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{text}{}", " ".repeat(columns - width(text)))
}

/// Breaks `text` into rows of at most `columns`; rows after the first begin with `indent` spaces.
///
/// Lines break after spaces, and beside wide characters, but not before their closing marks or
/// after their opening ones. A word wider than a row is broken anywhere.
pub fn fold(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let indent = if indent < columns { " ".repeat(indent) } else { String::new() };
    let mut rows = vec![String::new()];
    let mut blank = true;
    for piece in pieces(text) {
        for piece in broken(piece, columns.saturating_sub(indent.len())) {
            let row = rows.last().map_or(0, |row| width(row));
            if row + width(piece.trim_end_matches(' ')) > columns && !blank {
                rows.push(indent.clone());
            }
            if let Some(row) = rows.last_mut() {
                row.push_str(piece);
            }
            blank = false;
        }
    }
    rows.iter().map(|row| row.trim_end_matches(' ').to_owned()).collect()
}

/// The parts that stay together, with the spaces after them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut before = rest.chars().next()?;
        let end = rest.char_indices().skip(1).find(|&(_, c)| {
            let apart = breaks(before, c);
            before = c;
            apart
        });
        let (piece, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = after;
        Some(piece)
    })
}

fn breaks(before: char, after: char) -> bool {
    let wide = |c: char| c.width() == Some(2);
    if after == ' ' || "，。：；！？、）》」』”".contains(after) || "（《「『“".contains(before)
    {
        return false;
    }
    before == ' ' || wide(before) || wide(after)
}

/// A piece in parts that fit into `columns`.
fn broken(piece: &str, columns: usize) -> impl Iterator<Item = &str> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let fits = width(rest.trim_end_matches(' ')) <= columns;
        let part = if fits { rest } else { cut(rest, columns.max(2)) };
        rest = &rest[part.len()..];
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!((width("图像 a"), cut("图像", 3), cut("é▲–x", 3)), (6, "图", "é▲–"));
        assert_eq!((pad("图像", 5), pad("图像", 3)), ("图像 ".into(), "图 ".into()));
    }

    #[test]
    fn lines_break_between_words_and_beside_wide_characters() {
        let rows = fold("the picture does not move", 12, 2);
        assert_eq!(rows, ["the picture", "  does not", "  move"]);
        assert_eq!(fold("图像静止不动：请解除", 12, 0), ["图像静止不", "动：请解除"]);
        assert_eq!(fold("重新启动 Sonolamp。", 12, 0), ["重新启动", "Sonolamp。"]);
        assert_eq!(fold("abcdefgh ij", 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(fold("bruit\u{a0}: vérifiez", 9, 0), ["bruit\u{a0}:", "vérifiez"]);
        assert_eq!(fold("", 4, 0), [""]);
        for columns in 0..9 {
            fold("图像 ab：c", columns, 3);
        }
    }
}
