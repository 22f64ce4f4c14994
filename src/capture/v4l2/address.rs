//! How a camera is named, so that it is found again when it comes back as another node.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// The grammar, for messages and help.
pub const GRAMMAR: &str = "\
v4l2:/dev/video0                    by its node, which may change when it is plugged in again
v4l2:name=USB Capture HDMI          by its card name, or a part of it
v4l2:bus=usb-0000:00:14.0-1         by where it is plugged in, or the beginning of that";

/// A camera by node, name or place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Node(PathBuf),
    Name(String),
    Bus(String),
}

impl Address {
    /// Whether it means the camera at `node` with this card name and place.
    pub fn fits(&self, node: &Path, card: &str, bus: &str) -> bool {
        match self {
            Address::Node(path) => node == path,
            Address::Name(name) => card.to_lowercase().contains(&name.to_lowercase()),
            Address::Bus(beginning) => starts_at_boundary(bus, beginning),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Node(node) => write!(f, "{}", node.display()),
            Address::Name(name) => write!(f, "name={name}"),
            Address::Bus(bus) => write!(f, "bus={bus}"),
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Address, Error> {
        let wrong = |problem: &str| {
            let remedy = "write v4l2:/dev/videoN, v4l2:name=CARD or v4l2:bus=PLACE; \
                          sonolamp doctor lists the cameras";
            Err(Error::new(ErrorKind::Usage, format!("camera `{text}`"), problem, remedy))
        };
        if text.contains('\0') {
            return wrong("contains a zero byte");
        }
        match text.split_once('=') {
            Some(("name" | "bus", value)) if value.trim().is_empty() => {
                wrong("names nothing after the equals sign")
            }
            Some(("name", value)) => Ok(Address::Name(value.trim().to_owned())),
            Some(("bus", value)) => Ok(Address::Bus(value.trim().to_owned())),
            _ if text.starts_with('/') => Ok(Address::Node(text.into())),
            _ => wrong("is neither a path nor name=… nor bus=…"),
        }
    }
}

/// A video node that is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub path: PathBuf,
    pub card: String,
    /// Empty where the node could not be opened.
    pub bus: String,
    /// Whether pictures can be streamed from it; cameras have other nodes too, for metadata.
    pub captures: bool,
}

/// The node that `address` means among those that are `present`, in the order of their numbers.
///
/// The first node of one camera is taken; two cameras that fit are an error that names both.
pub fn resolve(address: &Address, present: &[Node]) -> Result<PathBuf, Error> {
    if let Address::Node(path) = address {
        return Ok(path.clone());
    }
    let fits = |node: &&Node| node.captures && address.fits(&node.path, &node.card, &node.bus);
    let found: Vec<&Node> = present.iter().filter(fits).collect();
    let Some(first) = found.first() else {
        let cards: Vec<_> =
            present.iter().filter(|n| n.captures).map(|n| n.card.as_str()).collect();
        let problem = if cards.is_empty() {
            "is absent, and so is every other camera".to_owned()
        } else {
            format!("is absent; present: {}", cards.join(", "))
        };
        let remedy = "plug it in, or name another (sonolamp doctor lists them)";
        return Err(Error::new(ErrorKind::Device, address, problem, remedy));
    };
    if let Some(other) = found.iter().find(|node| node.bus != first.bus) {
        let problem = format!(
            "fits {} ({}) and {} ({})",
            first.path.display(),
            first.bus,
            other.path.display(),
            other.bus
        );
        let remedy = "name one by its place, v4l2:bus=…";
        return Err(Error::new(ErrorKind::Device, address, problem, remedy));
    }
    Ok(first.path.clone())
}

/// `usb-1.2` is the beginning of `usb-1.2.3`, not of `usb-1.25`.
fn starts_at_boundary(bus: &str, beginning: &str) -> bool {
    bus.strip_prefix(beginning)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u32, card: &str, bus: &str, captures: bool) -> Node {
        let path = format!("/dev/video{number}").into();
        Node { path, card: card.into(), bus: bus.into(), captures }
    }

    fn present() -> Vec<Node> {
        vec![
            node(0, "Integrated Camera: Integrated C", "usb-0000:00:14.0-8", true),
            node(1, "Integrated Camera: Integrated C", "usb-0000:00:14.0-8", false),
            node(2, "USB Capture HDMI: USB Capture H", "usb-0000:00:14.0-1.2", true),
            node(3, "USB Capture HDMI: USB Capture H", "usb-0000:00:14.0-1.2", true),
            node(10, "bcm2835-codec-decode", "platform:bcm2835-codec", false),
        ]
    }

    #[test]
    fn a_camera_is_found_by_name_or_place_wherever_it_comes_back() {
        let at = |text: &str, present: &[Node]| resolve(&text.parse().unwrap(), present);
        for text in ["name=usb capture hdmi", "bus=usb-0000:00:14.0-1.2", "bus=usb-0000:00:14.0-1"]
        {
            assert_eq!(at(text, &present()).unwrap(), PathBuf::from("/dev/video2"), "{text}");
            let back = [node(7, "USB Capture HDMI: USB Capture H", "usb-0000:00:14.0-1.2", true)];
            assert_eq!(at(text, &back).unwrap(), PathBuf::from("/dev/video7"));
            let gone = at(text, &present()[..2]).unwrap_err();
            assert!(gone.problem.contains("is absent") && gone.remedy.contains("plug it in"));
            assert!(gone.problem.contains("Integrated Camera"), "{gone}");
        }
        assert_eq!(at("/dev/video9", &[]).unwrap(), PathBuf::from("/dev/video9"));
    }

    #[test]
    fn two_cameras_of_one_name_are_told_apart_by_place() {
        let twins = [node(0, "Grabber", "usb-1-1", true), node(2, "Grabber", "usb-1-10", true)];
        let error = resolve(&Address::Name("grabber".into()), &twins).unwrap_err();
        assert!(error.problem.contains("/dev/video0 (usb-1-1) and /dev/video2"), "{error}");
        let second = resolve(&Address::Bus("usb-1-10".into()), &twins).unwrap();
        assert_eq!(second, PathBuf::from("/dev/video2"));
        let first = resolve(&Address::Bus("usb-1-1".into()), &twins).unwrap();
        assert_eq!(first, PathBuf::from("/dev/video0"));
    }

    #[test]
    fn names_round_trip_and_nonsense_is_refused() {
        for text in ["/dev/video0", "name=USB Capture HDMI", "bus=usb-0000:00:14.0-1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in ["video0", "name=", "bus= ", "card=x", "/dev/\0video"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.remedy.contains("v4l2:name=CARD"), "{error}");
        }
    }
}
