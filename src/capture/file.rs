//! Pictures and clips from files: PNG, JPEG, a folder of them, GIF, and video through `ffmpeg`.
//!
//! A picture is a clip of one frame. A folder plays its pictures in natural order at ten a
//! second. Broken files end in an error, never in a shorter clip: a verdict must rest on what
//! the file claims to hold.

mod animation;
mod still;
mod video;

use std::path::{Path, PathBuf};

use super::FrameSource;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::SIDE_RANGE;

const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];
const VIDEOS: [&str; 14] = [
    "mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "ts", "ogv", "3gp", "y4m",
    "mjpeg",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Picture,
    Animation,
    Video,
}

fn kind_of(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let is = |list: &[&str]| list.contains(&extension.as_str());
    if is(&PICTURES) {
        Some(Kind::Picture)
    } else if extension == "gif" {
        Some(Kind::Animation)
    } else if is(&VIDEOS) {
        Some(Kind::Video)
    } else {
        None
    }
}

/// Whether the name looks like a picture or clip; used when a folder is searched.
pub fn is_media(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// Opens a picture, a clip or a folder of pictures.
pub fn open(path: &Path) -> Result<Box<dyn FrameSource>, Error> {
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if metadata.is_dir() {
        return Ok(Box::new(still::Stills::new(pictures_in(path)?)));
    }
    if metadata.len() == 0 {
        return Err(unusable(path, "is empty (0 bytes)", "copy the file again"));
    }
    match kind_of(path) {
        Some(Kind::Picture) => Ok(Box::new(still::Stills::new(vec![path.to_owned()]))),
        Some(Kind::Animation) => Ok(Box::new(animation::Animation::open(path)?)),
        Some(Kind::Video) => Ok(Box::new(video::Video::open(path)?)),
        None => Err(unusable(
            path,
            "has no extension known for a picture or clip",
            &format!(
                "use one of {}, gif, {}, or dicom:PATH",
                PICTURES.join(", "),
                VIDEOS.join(", ")
            ),
        )),
    }
}

fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))? {
        let path = entry.map_err(|e| unreadable(folder, &e))?.path();
        if kind_of(&path) == Some(Kind::Picture) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let remedy = "name a folder with .png or .jpg pictures, or a single clip";
        return Err(unusable(folder, "holds no pictures", remedy));
    }
    paths.sort_by_cached_key(|path| natural_key(path));
    Ok(paths)
}

/// Sorts `f2` before `f10`: runs of digits are padded to equal length.
fn natural_key(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut key, mut digits) = (String::new(), String::new());
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            if !digits.is_empty() {
                key += &format!("{digits:0>20}");
                digits.clear();
            }
            key.push(c);
        }
    }
    key
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let remedy = match error.kind() {
        Io::NotFound => "check the spelling",
        Io::PermissionDenied => "allow this user to read it (chmod a+r)",
        _ => "check the disk and copy the file again",
    };
    unusable(path, &format!("cannot be read ({})", plain_words(error)), remedy)
}

fn unusable(path: &Path, problem: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Input, path.display().to_string(), problem, remedy)
}

/// Refuses pictures outside the sizes that the frame path takes.
fn check_size(path: &Path, width: u32, height: u32) -> Result<(), Error> {
    if SIDE_RANGE.contains(&width) && SIDE_RANGE.contains(&height) {
        return Ok(());
    }
    let (low, high) = (SIDE_RANGE.start(), SIDE_RANGE.end());
    Err(unusable(
        path,
        &format!("is {width}x{height} pixels"),
        &format!("scale it so that each side is {low} to {high} pixels"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_play_in_natural_order() {
        let mut names = ["f10.png", "f2.png", "f1.png", "a.png"].map(PathBuf::from);
        names.sort_by_cached_key(|path| natural_key(path));
        assert_eq!(names, ["a.png", "f1.png", "f2.png", "f10.png"].map(PathBuf::from));
    }

    #[test]
    fn errors_name_file_problem_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("empty.png"), b"").unwrap();
        std::fs::write(at("words.png"), b"not a picture at all").unwrap();
        std::fs::write(at("notes.txt"), b"hello").unwrap();
        std::fs::write(at("broken.gif"), b"GIF89a\x10\x00").unwrap();
        std::fs::create_dir(at("nothing")).unwrap();
        for (name, problem, remedy) in [
            ("missing.png", "cannot be read", "spelling"),
            ("empty.png", "0 bytes", "copy"),
            ("notes.txt", "no extension known", "png"),
            ("nothing", "holds no pictures", "single clip"),
            ("words.png", "not a PNG or JPEG picture", "export"),
            ("broken.gif", "broken", "export"),
        ] {
            let mut frame = crate::frame::Frame::default();
            let error = match open(&at(name)) {
                Err(error) => error,
                Ok(mut source) => source.next(&mut frame).unwrap_err(),
            };
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(problem), "{text}");
            assert!(text.contains(remedy) && !text.contains('\n'), "{text}");
        }
    }
}
