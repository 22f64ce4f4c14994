//! Connected groups of lit cells, of which some make up the sector.

/// A sector covers at least this share of the picture.
const LEAST_SHARE: f32 = 0.04;
/// Cells of a smaller group that belongs to the sector as well, if it crosses the sector's middle: a
/// deep echo in the dark. Scales, bars and logos stand aside.
const LEAST_GROUP: u32 = 20;

/// A connected group.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    size: u32,
    /// Its first and last column.
    left: u32,
    right: u32,
    joins: bool,
}

/// Lit cells side by side, from column `left` up to `right`.
#[derive(Debug, Clone, Copy)]
struct Run {
    row: u32,
    left: u32,
    right: u32,
    /// An earlier run of the same group, or this very one.
    parent: u32,
    group: u32,
}

/// All groups of a picture, in the order of their first cells.
#[derive(Default)]
pub struct Groups {
    rows: u32,
    /// Where the last row's runs begin.
    last_row: usize,
    runs: Vec<Run>,
    groups: Vec<Group>,
}

impl Groups {
    /// For so many cells.
    pub fn reserve(&mut self, columns: usize, rows: usize) {
        self.clear();
        self.runs.reserve(rows * columns.div_ceil(2));
        self.groups.reserve(rows * columns.div_ceil(2));
    }

    pub fn clear(&mut self) {
        (self.rows, self.last_row) = (0, 0);
        self.runs.clear();
        self.groups.clear();
    }

    /// Takes in the next row.
    pub fn add_row(&mut self, lit: &[bool]) {
        let (mut above, first) = (self.last_row, self.runs.len());
        let mut at = 0;
        while let Some(dark) = lit[at..].iter().position(|&lit| lit) {
            let left = at + dark;
            let right = lit[left..].iter().position(|&lit| !lit).map_or(lit.len(), |n| left + n);
            at = right;
            let (left, right, run) = (left as u32, right as u32, self.runs.len() as u32);
            self.runs.push(Run { row: self.rows, left, right, parent: run, group: 0 });
            // Corners touch as well.
            while above < first && self.runs[above].right < left {
                above += 1;
            }
            for other in above..first {
                if self.runs[other].left > right {
                    break;
                }
                self.unite(other as u32, run);
            }
        }
        self.last_row = first;
        self.rows += 1;
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.runs[a.max(b) as usize].parent = a.min(b);
    }

    fn root(&mut self, mut run: u32) -> u32 {
        loop {
            let parent = self.runs[run as usize].parent;
            if parent == run {
                return run;
            }
            let above = self.runs[parent as usize].parent;
            self.runs[run as usize].parent = above;
            run = above;
        }
    }

    /// Finds the largest group and those that belong to it; whether it is large enough for a sector
    /// in a picture of so many cells.
    pub fn join(&mut self, cells: usize) -> bool {
        for i in 0..self.runs.len() {
            let Run { left, right, parent, .. } = self.runs[i];
            let group = if parent as usize == i {
                self.groups.push(Group { size: 0, left, right: 0, joins: false });
                self.groups.len() as u32 - 1
            } else {
                self.runs[parent as usize].group
            };
            self.runs[i].group = group;
            let group = &mut self.groups[group as usize];
            group.size += right - left;
            (group.left, group.right) = (group.left.min(left), group.right.max(right - 1));
        }
        // The first of several as large.
        let Some(&largest) = self.groups.iter().rev().max_by_key(|group| group.size) else {
            return false;
        };
        let slack = (largest.right - largest.left) / 8;
        let middle = (largest.left + largest.right) / 2;
        for group in &mut self.groups {
            group.joins = *group == largest
                || group.size >= LEAST_GROUP
                    && (group.left..group.right).contains(&middle)
                    && group.left + slack >= largest.left
                    && group.right <= largest.right + slack;
        }
        largest.size as f32 / cells as f32 >= LEAST_SHARE
    }

    /// Rows with cells of the groups that joined: which, and from which column up to which.
    pub fn joined_rows(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let joins = |run: &&Run| self.groups[run.group as usize].joins;
        self.runs.chunk_by(|a, b| a.row == b.row).filter_map(move |row| {
            let first = row.iter().find(joins)?;
            let last = row.iter().rfind(joins)?;
            Some((first.row, first.left, last.right))
        })
    }
}
