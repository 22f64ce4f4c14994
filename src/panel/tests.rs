//! The layout on every display, and the bytes on scripted buses.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::pixelcolor::{BinaryColor, PixelColor, Rgb565};
use embedded_graphics::primitives::Rectangle;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital;
use embedded_hal::i2c::{self, I2c};
use embedded_hal::spi::{self, SpiDevice};

use super::layout::{MONO, MONO_SIZE, Palette, colours, wrapped};
use super::sample::Sample;
use super::*;
use crate::exam::{Exam, State};
use crate::screening::{Flaw, Reason};
use crate::snapshot::FaultKind;

fn wiring(driver: Driver, rotation: u16) -> Wiring {
    Wiring {
        driver,
        i2c: "i2c".into(),
        address: 0x3d,
        spi: "spi".into(),
        hertz: 1_000_000,
        dc: LineName::Offset(25),
        reset: None,
        chip: "gpiochip0".into(),
        rotation,
    }
}

/// Every face in every state of an exam, with the longest numbers.
fn views() -> Vec<View> {
    let mut faces = vec![Face::Refer, Face::Clear, Face::Silent, Face::Ready, Face::Stopped];
    let reasons = [Reason::TooLittle, Reason::Uncertain];
    faces.extend(reasons.map(Face::Ungradable));
    faces.extend(Flaw::ALL.map(|flaw| Face::Ungradable(Reason::Flawed(flaw))));
    faces.extend(FaultKind::ALL.map(Face::Fault));
    let base = View::of(&sample::snapshot(Sample::Refer, true));
    let words = "/dev/v4l/by-id/usb-MACROSILICON_USB3.0_Capture-video-index0: the device is used \
        by another program; end that program, or choose another device in [source]";
    let mut views = Vec::new();
    for state in [State::Idle, State::Scanning, State::Held, State::Ended] {
        for flaw in [None, Some(Flaw::NoSector)] {
            views.extend(faces.iter().map(|&face| View {
                face,
                exam: Exam { state, number: 99_999 },
                picture: Some(flaw),
                usable: 119,
                needed: 100,
                words: Some(words.into()),
                ..base.clone()
            }));
        }
    }
    views
}

/// A target of some size that counts what is drawn beside it.
struct Watcher<C> {
    size: Size,
    outside: usize,
    drawn: usize,
    colour: std::marker::PhantomData<C>,
}

impl<C> Dimensions for Watcher<C> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }
}

impl<C: PixelColor> DrawTarget for Watcher<C> {
    type Color = C;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let area = self.bounding_box();
        for Pixel(at, _) in pixels {
            self.drawn += 1;
            self.outside += usize::from(!area.contains(at));
        }
        Ok(())
    }
}

fn watch<C: PixelColor>(size: Size, palette: &Palette<C>, view: &View) {
    let colour = std::marker::PhantomData;
    let mut watcher = Watcher { size, outside: 0, drawn: 0, colour };
    let Ok(()) = layout::draw(&mut watcher, view, palette);
    assert!(watcher.drawn > (size.width * size.height) as usize);
    assert_eq!(watcher.outside, 0, "{size:?} {view:?}");
    let mut canvas = framebuffer::Framebuffer::new(Size::new(200, 80), palette.background);
    let word = Rectangle::new(Point::zero(), Size::new(100, 40));
    let Ok(whole) = lettering::draw(&mut canvas, view.face.word(), word, palette.text);
    assert!(whole, "{} is too wide", view.face.word());
}

#[test]
fn no_state_has_text_that_is_cut() {
    for view in views() {
        assert!(view.short_words().len() <= 21, "{:?}", view.short_words());
        // The mark of a demonstration stands right of the exam.
        assert!(view.exam_words().len() <= 16, "{:?}", view.exam_words());
        watch(MONO_SIZE, &MONO, &view);
        watch(colour::size(0), &colours(), &view);
        watch(colour::size(90), &colours(), &view);
    }
}

#[test]
fn words_wrap_at_spaces_and_none_is_lost() {
    let lines: Vec<&str> = wrapped("check the cable  and averyverylongword", 9).collect();
    assert_eq!(lines, ["check the", "cable", "and", "averyvery", "longword"]);
    assert_eq!(wrapped(" ", 9).count(), 0);
}

#[test]
fn states_differ_in_shape_and_word_not_only_in_colour() {
    let lit = |view: &View| -> Vec<bool> {
        let picture = picture::draw_view(view, Driver::Ssd1306, 0);
        picture.rgb.chunks(3).map(|pixel| pixel[0] > 0).collect()
    };
    let base = View::of(&sample::snapshot(Sample::Refer, false));
    let faces = [
        Face::Refer,
        Face::Clear,
        Face::Ungradable(Reason::Uncertain),
        Face::Silent,
        Face::Ready,
        Face::Stopped,
    ];
    let pictures = faces.map(|face| lit(&View { face, ..base.clone() }));
    for (i, a) in pictures.iter().enumerate() {
        for b in &pictures[..i] {
            let different = a.iter().zip(b).filter(|(a, b)| a != b).count();
            assert!(different > 500, "{different} pixels");
        }
    }
}

/// An address or a command, each with its bytes.
type Notes = Rc<RefCell<Vec<(u8, Vec<u8>)>>>;

/// An I2C bus that notes what is written.
#[derive(Clone, Default)]
struct Wire(Notes);

impl i2c::ErrorType for Wire {
    type Error = i2c::ErrorKind;
}

impl I2c for Wire {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [i2c::Operation<'_>],
    ) -> Result<(), i2c::ErrorKind> {
        for operation in operations {
            match operation {
                i2c::Operation::Write(bytes) => self.0.borrow_mut().push((address, bytes.to_vec())),
                i2c::Operation::Read(_) => return Err(i2c::ErrorKind::Other),
            }
        }
        Ok(())
    }
}

fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_ssd1306_gets_its_set_up_and_exactly_the_picture() {
    for (state, rotation) in [(Sample::Refer, 0), (Sample::Ungradable, 180)] {
        let (wire, view) = (Wire::default(), View::of(&sample::snapshot(state, true)));
        let wiring = wiring(Driver::Ssd1306, rotation);
        let mut oled = mono::Oled::open(wire.clone(), &wiring).unwrap();
        let take = || std::mem::take(&mut *wire.0.borrow_mut());
        let set_up = take();
        assert!(set_up.iter().all(|(address, bytes)| *address == 0x3d && bytes[0] == 0));
        let turn = if rotation == 0 { "a1c8" } else { "a0c0" };
        let commands = hex(set_up.into_iter().flat_map(|(_, bytes)| bytes[1..].to_vec()));
        let expected = format!("aed580a83fd300408d142000da12{turn}d921815fdb40a4a62eaf");
        assert_eq!(commands, expected);
        oled.show(&view).unwrap();
        let written = take();
        let data = |control: u8| {
            let of = written.iter().filter(move |(_, bytes)| bytes[0] == control);
            of.flat_map(|(_, bytes)| bytes[1..].to_vec()).collect::<Vec<u8>>()
        };
        assert_eq!(hex(data(0x00)), "21007f220007", "all columns and pages");
        // A byte is eight pixels of a column, from the top, as the data sheet says.
        let bytes = data(0x40);
        assert_eq!(bytes.len(), 1024);
        let lit: Vec<bool> = (0..128 * 64)
            .map(|i| bytes[i / 1024 * 128 + i % 128] >> (i / 128 % 8) & 1 == 1)
            .collect();
        let picture = picture::draw_view(&view, Driver::Ssd1306, rotation);
        let expected: Vec<bool> = picture.rgb.chunks(3).map(|pixel| pixel[0] > 0).collect();
        assert!(lit == expected, "pixels differ");
    }
}

/// An SPI device with its data/command line; notes commands and their data.
#[derive(Clone, Default)]
struct Pair {
    data: Rc<Cell<bool>>,
    commands: Notes,
}

impl spi::ErrorType for Pair {
    type Error = spi::ErrorKind;
}

impl SpiDevice for Pair {
    fn transaction(
        &mut self,
        operations: &mut [spi::Operation<'_, u8>],
    ) -> Result<(), spi::ErrorKind> {
        for operation in operations {
            let spi::Operation::Write(bytes) = operation else { return Err(spi::ErrorKind::Other) };
            assert!(bytes.len() <= 4096, "spidev refuses {} bytes", bytes.len());
            let mut commands = self.commands.borrow_mut();
            match commands.last_mut() {
                Some((_, data)) if self.data.get() => data.extend_from_slice(bytes),
                _ => commands.extend(bytes.iter().map(|&command| (command, Vec::new()))),
            }
        }
        Ok(())
    }
}

impl digital::ErrorType for Pair {
    type Error = Infallible;
}

impl OutputPin for Pair {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.data.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.data.set(true);
        Ok(())
    }
}

impl DelayNs for Pair {
    fn delay_ns(&mut self, _: u32) {}
}

#[test]
fn a_colour_display_gets_its_set_up_and_exactly_the_picture() {
    // Memory access (rows, columns, colour order) and inversion are what differs.
    for (driver, rotation, access, inversion) in [
        (Driver::St7789, 0, 0x00, 0x21),
        (Driver::St7789, 90, 0x60, 0x21),
        (Driver::Ili9341, 180, 0xc8, 0x20),
        (Driver::Ili9341, 270, 0xa8, 0x20),
    ] {
        let (pair, mut chunk) = (Pair::default(), vec![0; colour::CHUNK]);
        let wiring = wiring(driver, rotation);
        let view = View::of(&sample::snapshot(Sample::Clear, true));
        let mut delay = pair.clone();
        let interface = colour::interface(pair.clone(), pair.clone(), &mut chunk);
        if driver == Driver::St7789 {
            colour::st7789(interface, &wiring, &mut delay).unwrap().show(&view).unwrap();
        } else {
            colour::ili9341(interface, &wiring, &mut delay).unwrap().show(&view).unwrap();
        }
        let commands = pair.commands.borrow();
        let sent = |command: u8| {
            let mut found = commands.iter().filter(|(sent, _)| *sent == command);
            found.next_back().map(|(_, data)| data.clone())
        };
        // Soft reset, wake, 16 bits a pixel, on.
        assert_eq!((commands[0].0, sent(0x11), sent(0x29)), (0x01, Some(vec![]), Some(vec![])));
        assert_eq!((sent(0x36), sent(0x3a)), (Some(vec![access]), Some(vec![0x55])));
        assert_eq!(sent(inversion), Some(vec![]), "{driver:?}");
        let size = colour::size(rotation);
        let span = |length: u32| {
            let last = (length as u16 - 1).to_be_bytes();
            Some(vec![0, 0, last[0], last[1]])
        };
        assert_eq!((sent(0x2a), sent(0x2b)), (span(size.width), span(size.height)));
        let pixels = sent(0x2c).unwrap();
        let mut canvas = framebuffer::Framebuffer::new(size, Rgb565::default());
        let Ok(()) = layout::draw(&mut canvas, &view, &colours());
        use embedded_graphics::pixelcolor::raw::ToBytes;
        let expected: Vec<u8> =
            canvas.pixels().iter().flat_map(|pixel| pixel.to_be_bytes()).collect();
        assert!(pixels == expected, "{driver:?} {rotation}: {} bytes", pixels.len());
    }
}

/// A display in memory; fails while it is told to.
#[derive(Default)]
struct Shown {
    views: Arc<Mutex<Vec<View>>>,
}

impl Display for Shown {
    fn show(&mut self, view: &View) -> Result<(), Error> {
        self.views.lock().unwrap().push(view.clone());
        Ok(())
    }
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn changes_are_drawn_once_silence_is_a_fault_and_the_end_is_shown() {
    let slot = Latest::new(Snapshot::new(Arc::default()));
    let shutdown = Shutdown::default();
    let mut display = Shown::default();
    let views = Arc::clone(&display.views);
    let faces = || views.lock().unwrap().iter().map(|view| view.face).collect::<Vec<_>>();
    let publish = |state| slot.publish(&mut sample::snapshot(state, false));
    std::thread::scope(|scope| {
        let (snapshots, shutdown) = (&slot, &shutdown);
        scope.spawn(move || {
            let snapshot = Snapshot::new(Arc::default());
            let (stale, heard) = (Duration::from_millis(1500), Instant::now());
            Screen { snapshots, snapshot, stale, shutdown, heard }.follow(&mut display)
        });
        let _end = crate::pipeline::shutdown::EndsAll(shutdown);
        publish(Sample::Refer);
        eventually("refer", || faces().contains(&Face::Refer));
        (0..10).for_each(|_| {
            publish(Sample::Refer);
            std::thread::sleep(Duration::from_millis(50));
        });
        publish(Sample::Clear);
        eventually("clear", || faces().contains(&Face::Clear));
        eventually("silence", || faces().contains(&Face::Silent));
    });
    let seen: Vec<Face> = faces().into_iter().skip_while(|face| *face == Face::Ready).collect();
    assert_eq!(seen, [Face::Refer, Face::Clear, Face::Silent, Face::Stopped]);
    let last = views.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.score, last.words), (None, None));
}

#[test]
fn a_bus_that_fails_is_told_once_and_ends_nothing() {
    let slot = Latest::new(Snapshot::new(Arc::default()));
    let (shutdown, notices) = (Shutdown::default(), Mutex::new(Vec::new()));
    let wiring = Wiring { i2c: "/dev/no-such-bus".into(), ..wiring(Driver::Ssd1306, 0) };
    std::thread::scope(|scope| {
        let (slot, shutdown, notices) = (&slot, &shutdown, &notices);
        scope.spawn(move || {
            let notice = |error: &Error| notices.lock().unwrap().push(error.to_string());
            let snapshot = Snapshot::new(Arc::default());
            run(&wiring, slot, snapshot, Duration::from_secs(1), &notice, shutdown);
        });
        eventually("a notice", || !notices.lock().unwrap().is_empty());
        std::thread::sleep(RETRY.0 * 2);
        assert!(!shutdown.requested());
        shutdown.request();
    });
    let notices = notices.into_inner().unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("/dev/no-such-bus: cannot be opened"), "{notices:?}");
}

#[test]
fn lit_pixels_of_one_colour_are_the_layouts() {
    // What `sonolamp panel` writes is what a display in one colour lights.
    let mut canvas = framebuffer::Framebuffer::new(MONO_SIZE, BinaryColor::Off);
    let snapshot = sample::snapshot(Sample::Held, true);
    let Ok(()) = layout::draw(&mut canvas, &View::of(&snapshot), &MONO);
    let picture = picture::draw(&snapshot, Driver::Ssd1306, 0).enlarged(2);
    assert_eq!((picture.width, picture.height, picture.rgb.len()), (256, 128, 256 * 128 * 3));
    for (i, pixel) in canvas.pixels().iter().enumerate() {
        let (x, y) = (i % 128, i / 128);
        let corner = ((2 * y + 1) * 256 + 2 * x + 1) * 3;
        assert_eq!(picture.rgb[corner] > 0, pixel.is_on(), "at {x}, {y}");
    }
}
