//! What is laid over the picture: where the network sees support for its verdict, and what it
//! outlines.
//!
//! Both are grids over an area of the picture, and places are shares of the picture's width and
//! height: 0 to 1 from its left or upper edge.

use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

use crate::frame::Bounds;

/// Most rows and columns of a heat map.
pub const MAP_SIDE: usize = 64;
/// Most rows and columns of an outlined mask.
pub const MASK_SIDE: usize = 256;

/// A box in shares of the picture; it may reach beyond.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Area {
    pub const WHOLE: Area = Area { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Where `inner` lies in a picture of `outer`, both boxes of one frame.
    pub fn of(inner: Bounds, outer: Bounds) -> Area {
        let (width, height) = (outer.width().max(1) as f32, outer.height().max(1) as f32);
        let x = |at: u32| (at as f32 - outer.left as f32) / width;
        let y = |at: u32| (at as f32 - outer.top as f32) / height;
        Area {
            left: x(inner.left),
            top: y(inner.top),
            right: x(inner.right),
            bottom: y(inner.bottom),
        }
    }

    /// A place of the picture as shares of the area, if it lies inside.
    fn inside(&self, x: f32, y: f32) -> Option<(f32, f32)> {
        let u = (x - self.left) / (self.right - self.left);
        let v = (y - self.top) / (self.bottom - self.top);
        ((0.0..1.0).contains(&u) && (0.0..1.0).contains(&v)).then_some((u, v))
    }
}

/// How much each part of the picture speaks for referring or against it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct HeatMap {
    width: usize,
    height: usize,
    area: Area,
    /// Row by row, full strength being 127; negative ones speak against.
    #[serde(with = "BigArray")]
    cells: [i8; MAP_SIDE * MAP_SIDE],
}

impl Default for HeatMap {
    fn default() -> HeatMap {
        HeatMap { width: 0, height: 0, area: Area::WHOLE, cells: [0; MAP_SIDE * MAP_SIDE] }
    }
}

impl HeatMap {
    pub fn clear(&mut self) {
        (self.width, self.height) = (0, 0);
    }

    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    pub(super) fn is_sound(&self) -> bool {
        self.width.max(self.height) <= MAP_SIDE
    }

    /// Takes over log-odds, `width` a row; `full` is one at full strength. Empty where they fit no
    /// map.
    pub fn fill(&mut self, width: usize, values: &[f32], full: f32, area: Area) {
        let height = values.len().checked_div(width).unwrap_or(0);
        if width.max(height) > MAP_SIDE {
            return self.clear();
        }
        (self.width, self.height, self.area) = (width, height, area);
        for (cell, &value) in self.cells.iter_mut().zip(values) {
            *cell = (127.0 * (value / full).clamp(-1.0, 1.0)) as i8;
        }
    }

    /// Strength at a place of the picture, -1 to 1, linear between the cells' middles; 0 outside.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let Some((u, v)) = self.area.inside(x, y).filter(|_| !self.is_empty()) else { return 0.0 };
        let along = |share: f32, count: usize| {
            let at = (share * count as f32 - 0.5).clamp(0.0, (count - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(count - 1), at - first as f32)
        };
        let ((left, right, dx), (top, bottom, dy)) = (along(u, self.width), along(v, self.height));
        let row = |y: usize| {
            let cell = |x: usize| f32::from(self.cells[y * self.width + x]) / 127.0;
            cell(left) * (1.0 - dx) + cell(right) * dx
        };
        row(top) * (1.0 - dy) + row(bottom) * dy
    }
}

/// What belongs to the structure that the network outlines.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outline {
    width: usize,
    height: usize,
    area: Area,
    /// Row by row; grows once.
    inside: Vec<bool>,
}

impl Default for Outline {
    fn default() -> Outline {
        Outline { width: 0, height: 0, area: Area::WHOLE, inside: Vec::new() }
    }
}

impl Outline {
    pub fn clear(&mut self) {
        (self.width, self.height) = (0, 0);
        self.inside.clear();
    }

    pub(super) fn is_sound(&self) -> bool {
        self.width.max(self.height) <= MASK_SIDE && self.inside.len() == self.width * self.height
    }

    pub fn copy_from(&mut self, other: &Outline) {
        (self.width, self.height, self.area) = (other.width, other.height, other.area);
        self.inside.clear();
        self.inside.extend_from_slice(&other.inside);
    }

    /// Takes over log-odds, `width` a row; those of at least `least` are inside. Empty where they
    /// fit no mask.
    pub fn fill(&mut self, width: usize, values: &[f32], least: f32, area: Area) {
        let height = values.len().checked_div(width).unwrap_or(0);
        if width.max(height) > MASK_SIDE {
            return self.clear();
        }
        (self.width, self.height, self.area) = (width, height, area);
        self.inside.clear();
        self.inside.extend(values[..width * height].iter().map(|&value| value >= least));
    }

    /// Whether anything is inside.
    pub fn is_empty(&self) -> bool {
        !self.inside.contains(&true)
    }

    /// Whether a place of the picture is inside.
    pub fn at(&self, x: f32, y: f32) -> bool {
        let cell = |share: f32, count: usize| (share * count as f32) as usize;
        self.area.inside(x, y).is_some_and(|(u, v)| {
            let (x, y) = (cell(u, self.width), cell(v, self.height));
            x < self.width && self.inside.get(y * self.width + x).is_some_and(|&inside| inside)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_where_the_network_looked() {
        let outer = Bounds { left: 100, top: 50, right: 300, bottom: 150 };
        let inner = Bounds { left: 150, top: 50, right: 250, bottom: 100 };
        let area = Area::of(inner, outer);
        assert_eq!(area, Area { left: 0.25, top: 0.0, right: 0.75, bottom: 0.5 });
        assert_eq!(Area::of(outer, outer), Area::WHOLE);
        let mut outline = Outline::default();
        outline.fill(2, &[1.0, -1.0, -1.0, -1.0], 0.0, area);
        assert!(outline.at(0.3, 0.1), "the first of four cells");
        assert!(!outline.at(0.6, 0.1) && !outline.at(0.3, 0.4), "the others");
        assert!(!outline.at(0.1, 0.1) && !outline.at(0.3, 0.6), "beyond the area");
    }

    #[test]
    fn heat_is_clipped_at_full_strength_and_linear_between_cells() {
        let mut heat = HeatMap::default();
        assert_eq!(heat.at(0.5, 0.5), 0.0);
        heat.fill(2, &[8.0, -8.0, 2.0, 0.0], 4.0, Area::WHOLE);
        assert_eq!((heat.at(0.0, 0.0), heat.at(0.99, 0.2)), (1.0, -1.0));
        assert!(heat.at(0.5, 0.25).abs() < 1e-6, "half way between");
        assert!((heat.at(0.25, 0.75) - 0.5).abs() < 0.01);
        heat.fill(65, &[1.0; 65], 1.0, Area::WHOLE);
        assert!(heat.is_empty(), "too large");
    }

    #[test]
    fn any_numbers_are_survived() {
        let (mut heat, mut outline) = (HeatMap::default(), Outline::default());
        let odd = Area { left: 1.0, top: 0.0, right: 1.0, bottom: f32::NAN };
        for (width, values) in [(0, &[1.0][..]), (3, &[f32::NAN; 7]), (1, &[]), (9, &[0.0; 4])] {
            for area in [Area::WHOLE, odd] {
                heat.fill(width, values, 1.0, area);
                outline.fill(width, values, 0.0, area);
                for place in [-1.0, 0.0, 0.5, 0.999, 1.0, f32::NAN] {
                    assert!((-1.0..=1.0).contains(&heat.at(place, place)));
                    outline.at(place, place);
                }
            }
        }
    }
}
