//! Pictures of one size as a NumPy file, written one after the other.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use crate::cli::stored;
use crate::error::Error;
use crate::preprocess::InputShape;

/// Magic, version, length of the header and header together: a multiple of 64, with room for any
/// number of pictures.
const HEAD: usize = 128;

/// A file in NumPy's format 1.0: u8, pictures × 1 × height × width.
pub struct Npy {
    path: PathBuf,
    file: BufWriter<File>,
    shape: InputShape,
    pictures: usize,
}

impl Npy {
    pub fn create(path: PathBuf, shape: InputShape) -> Result<Npy, Error> {
        let file = stored(&path, File::create(&path))?;
        let mut npy = Npy { file: BufWriter::new(file), path, shape, pictures: 0 };
        npy.write(&[0; HEAD])?;
        Ok(npy)
    }

    /// Adds one picture of `height * width` bytes.
    pub fn push(&mut self, picture: &[u8]) -> Result<(), Error> {
        self.pictures += 1;
        self.write(picture)
    }

    /// Writes the header, which says how many there are.
    pub fn finish(mut self) -> Result<(), Error> {
        let InputShape { width, height, .. } = self.shape;
        let shape = format!("({}, 1, {height}, {width})", self.pictures);
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        let mut head = b"\x93NUMPY\x01\x00".to_vec();
        head.extend((HEAD as u16 - 10).to_le_bytes());
        head.extend(format!("{header:<width$}\n", width = HEAD - 11).bytes());
        let rewound = self.file.rewind();
        stored(&self.path, rewound)?;
        self.write(&head)?;
        stored(&self.path, self.file.flush())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        stored(&self.path, self.file.write_all(bytes))
    }
}

/// All of `pictures` as a file of its own.
pub fn write<'a>(
    path: &Path,
    shape: InputShape,
    pictures: impl Iterator<Item = &'a [u8]>,
) -> Result<(), Error> {
    let mut npy = Npy::create(path.to_owned(), shape)?;
    for picture in pictures {
        npy.push(picture)?;
    }
    npy.finish()
}
