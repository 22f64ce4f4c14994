"""Small DICOM files for the fuzzer to start from: python3 tests/fuzz/seeds.py FOLDER

Drawn pictures of a few kilobytes, one file for each way that pixels can lie in a file (grey and colour,
one frame and several, with and without compression, a palette). Real files are too large to be changed
byte by byte. Needs pydicom, numpy and Pillow.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)

MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"
SIDE = 24


def picture(frames, samples):
    """A bright fan on black, frames x SIDE x SIDE x samples, 8 bits."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    fan = (abs(x - SIDE / 2) < y * 0.6) * (60 + 8 * y)
    shape = (frames, SIDE, SIDE, samples)
    return np.broadcast_to(fan[None, :, :, None], shape).astype(np.uint8).copy()


def dataset(pixels, syntax, photometric):
    frames, _, _, samples = pixels.shape
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = syntax
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = MULTIFRAME
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = generate_uid()
    d.Modality = "US"
    d.PatientName, d.PatientID = "Nobody^Drawn", "0"
    d.Rows = d.Columns = SIDE
    d.NumberOfFrames = frames
    d.FrameTime = "40"
    d.SamplesPerPixel, d.PhotometricInterpretation = samples, photometric
    d.BitsAllocated = d.BitsStored = 8
    d.HighBit, d.PixelRepresentation = 7, 0
    if samples == 3:
        d.PlanarConfiguration = 0
    region = Dataset()
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = SIDE - 1
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.05
    d.SequenceOfUltrasoundRegions = [region]
    return d


def compressed(pixels, name):
    pictures = []
    for frame in pixels:
        out = io.BytesIO()
        Image.fromarray(frame[:, :, 0] if frame.shape[2] == 1 else frame).save(out, name)
        pictures.append(out.getvalue())
    return encapsulate(pictures)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, frames, samples, syntax, photometric in [
        ("implicit", 1, 1, ImplicitVRLittleEndian, "MONOCHROME2"),
        ("explicit", 3, 1, ExplicitVRLittleEndian, "MONOCHROME1"),
        ("big", 1, 3, ExplicitVRBigEndian, "RGB"),
        ("deflated", 2, 3, DeflatedExplicitVRLittleEndian, "YBR_FULL"),
        ("palette", 1, 1, ExplicitVRLittleEndian, "PALETTE COLOR"),
        ("rle", 2, 3, RLELossless, "RGB"),
        ("jpeg", 2, 3, JPEGBaseline8Bit, "YBR_FULL_422"),
        ("jpeg2000", 1, 1, JPEG2000Lossless, "MONOCHROME2"),
    ]:
        pixels = picture(frames, samples)
        d = dataset(pixels, syntax, photometric)
        d.PixelData = pixels.tobytes()
        if photometric == "PALETTE COLOR":
            ramp = np.arange(256, dtype=np.uint16) << 8
            for colour in ("Red", "Green", "Blue"):
                setattr(d, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
                setattr(d, f"{colour}PaletteColorLookupTableData", ramp.tobytes())
        if name == "rle":
            d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            d.compress(RLELossless, arr=pixels, encoding_plugin="pydicom")
        elif name.startswith("jpeg"):
            d.PixelData = compressed(pixels, "JPEG2000" if name == "jpeg2000" else "JPEG")
            d["PixelData"].is_undefined_length = True
        d.save_as(folder / f"{name}.dcm", enforce_file_format=True)


main(Path(sys.argv[1]))
