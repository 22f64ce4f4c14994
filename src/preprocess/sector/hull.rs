//! The convex hull of spans, as two chains of points `(y, x)`.

/// Left border (negated, so that both are upper chains) and right border.
#[derive(Default)]
pub struct Hull {
    left: Vec<(i32, i32)>,
    right: Vec<(i32, i32)>,
}

impl Hull {
    /// For spans in so many rows of cells.
    pub fn reserve(&mut self, rows: usize) {
        self.clear();
        self.left.reserve(2 * rows);
        self.right.reserve(2 * rows);
    }

    pub fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    /// Takes in a span; they come in order of `y`.
    pub fn extend(&mut self, y: i32, left: i32, right: i32) {
        extend(&mut self.left, (y, -left));
        extend(&mut self.right, (y, right));
    }

    /// First row, and the one behind the last.
    pub fn rows(&self) -> Option<(i32, i32)> {
        Some((self.right.first()?.0, self.right.last()?.0))
    }

    /// Every pixel row with its borders.
    pub fn spans(&self) -> impl Iterator<Item = (i32, i32, i32)> {
        let (top, bottom) = self.rows().unwrap_or_default();
        let (mut at_left, mut at_right) = (0, 0);
        (top..bottom).map(move |y| {
            let left = -height_of(&self.left, &mut at_left, y);
            (y, left, height_of(&self.right, &mut at_right, y))
        })
    }
}

/// Appends a point to the upper convex chain of points in order of `y`; points are `(y, x)`.
fn extend(chain: &mut Vec<(i32, i32)>, p: (i32, i32)) {
    while let [.., a, b] = chain[..] {
        let turn = i64::from(b.0 - a.0) * i64::from(p.1 - a.1)
            - i64::from(b.1 - a.1) * i64::from(p.0 - a.0);
        if turn < 0 {
            break;
        }
        chain.pop();
    }
    chain.push(p);
}

/// The chain's `x` at the centre of pixel row `y`; `at` remembers the edge, rows come in order.
fn height_of(chain: &[(i32, i32)], at: &mut usize, y: i32) -> i32 {
    while *at + 2 < chain.len() && chain[*at + 1].0 <= y {
        *at += 1;
    }
    let (a, b) = (chain[*at], chain[(*at + 1).min(chain.len() - 1)]);
    let rise = 2 * (b.0 - a.0);
    if rise == 0 {
        return a.1.max(b.1);
    }
    // Rounded outwards, so that every lit cell stays inside.
    a.1 + ((b.1 - a.1) * (2 * (y - a.0) + 1) + rise - 1).div_euclid(rise)
}
