use super::*;

const AREA: Rect = Rect { x: 3, y: 2, width: 60, height: 30 };

/// Speckle, another one in every picture.
fn speckle(seed: u32) -> Buffer {
    let mut random = oorandom::Rand32::new(seed.into());
    let mut buffer = Buffer::empty(Rect::new(0, 0, 70, 40));
    for place in AREA.positions() {
        let mut half = |base: u16| {
            let grey = (base + random.rand_range(0..40) as u16) as u8;
            Color::Rgb(grey, grey, grey)
        };
        let (upper, lower) = (half(3 * place.x), half(3 * place.x));
        if let Some(cell) = buffer.cell_mut(place) {
            cell.set_symbol("▀").set_fg(upper).set_bg(lower);
        }
    }
    buffer
}

fn budget(most: usize) -> Budget {
    Budget { fluent: most / 2, most }
}

/// One screen; what it cost, and how far it is off at most.
fn draw(thrift: &mut Thrift, picture: &Buffer, budget: Budget) -> (usize, u8) {
    let mut buffer = picture.clone();
    thrift.begin();
    thrift.settle(AREA, &mut buffer, budget, false);
    let off = |place| {
        let halves = |buffer: &Buffer| buffer.cell(place).and_then(|cell| Dot::of(cell).halves);
        match (halves(&buffer), halves(picture)) {
            (Some(a), Some(b)) => a[0][0].abs_diff(b[0][0]),
            _ => 0,
        }
    };
    (thrift.spent(), AREA.positions().map(off).max().unwrap_or(0))
}

#[test]
fn a_fast_line_gets_the_picture_as_it_is() {
    let mut thrift = Thrift::default();
    for seed in 0..3 {
        let mut buffer = speckle(seed);
        thrift.begin();
        thrift.settle(AREA, &mut buffer, Budget::UNLIMITED, false);
        assert_eq!(buffer, speckle(seed));
    }
}

#[test]
fn no_picture_costs_more_than_it_may() {
    // A row at least is drawn, which costs up to a kilobyte.
    for most in [1200, 5000, 12_000, 40_000, 100_000] {
        let mut thrift = Thrift::default();
        for seed in 0..10 {
            let (cost, _) = draw(&mut thrift, &speckle(seed), budget(most));
            assert!(cost <= most, "{cost} of {most}");
        }
    }
}

#[test]
fn what_stands_still_becomes_fine() {
    let mut thrift = Thrift::default();
    let picture = speckle(1);
    draw(&mut thrift, &speckle(0), budget(4000));
    let mut costs = (0..100).map(|_| draw(&mut thrift, &picture, budget(4000)));
    assert!(costs.any(|(cost, off)| cost == 0 && off == 0));
    assert_eq!(draw(&mut thrift, &picture, budget(4000)), (0, 0));
}

#[test]
fn a_screen_without_room_keeps_its_picture() {
    let mut thrift = Thrift::default();
    let picture = speckle(1);
    draw(&mut thrift, &picture, Budget::UNLIMITED);
    let mut next = Buffer::empty(picture.area);
    thrift.begin();
    thrift.keep(AREA, &mut next);
    assert_eq!((next, thrift.spent()), (picture.clone(), 0));
    // Another view lay between: what was here is not here any more.
    thrift.begin();
    let mut next = Buffer::empty(picture.area);
    thrift.begin();
    thrift.keep(AREA, &mut next);
    assert_eq!(next, Buffer::empty(picture.area));
    assert!(draw(&mut thrift, &picture, Budget::UNLIMITED).0 > 50_000);
}
