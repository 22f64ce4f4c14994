//! The parts of ONNX's file format that lowering reads: attributes and constants.

use tract_onnx::pb::{self, tensor_proto};

/// A constant of the file.
#[derive(Debug, Clone)]
pub struct Constant {
    pub shape: Vec<usize>,
    pub data: Data,
}

#[derive(Debug, Clone)]
pub enum Data {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Constant {
    /// Reads `tensor`; none for types that no quantized network has, or for data in another file.
    pub fn read(tensor: &pb::TensorProto) -> Option<Constant> {
        use tensor_proto::DataType as T;
        let shape: Vec<usize> =
            tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<_>>()?;
        let raw = &tensor.raw_data[..];
        fn each<const N: usize, V>(raw: &[u8], value: impl Fn([u8; N]) -> V) -> Vec<V> {
            raw.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)).collect()
        }
        let ints = &tensor.int32_data;
        let packed = raw.is_empty();
        let data = match T::try_from(tensor.data_type).ok()? {
            T::Float if packed => Data::F32(tensor.float_data.clone()),
            T::Float => Data::F32(each(raw, f32::from_le_bytes)),
            T::Int8 if packed => Data::I8(ints.iter().map(|&v| v as i8).collect()),
            T::Int8 => Data::I8(each(raw, i8::from_le_bytes)),
            T::Uint8 if packed => Data::U8(ints.iter().map(|&v| v as u8).collect()),
            T::Uint8 => Data::U8(raw.to_vec()),
            T::Int32 if packed => Data::I32(ints.clone()),
            T::Int32 => Data::I32(each(raw, i32::from_le_bytes)),
            T::Int64 if packed => Data::I64(tensor.int64_data.clone()),
            T::Int64 => Data::I64(each(raw, i64::from_le_bytes)),
            _ => return None,
        };
        let constant = Constant { shape, data };
        let len = constant.shape.iter().try_fold(1usize, |len, &d| len.checked_mul(d))?;
        (constant.len() == len).then_some(constant)
    }

    pub fn len(&self) -> usize {
        match &self.data {
            Data::F32(v) => v.len(),
            Data::I8(v) => v.len(),
            Data::U8(v) => v.len(),
            Data::I32(v) => v.len(),
            Data::I64(v) => v.len(),
        }
    }

    pub fn reals(&self) -> Option<&[f32]> {
        if let Data::F32(v) = &self.data { Some(v) } else { None }
    }

    /// Whole numbers of any width.
    pub fn ints(&self) -> Option<Vec<i64>> {
        Some(match &self.data {
            Data::F32(_) => return None,
            Data::I8(v) => v.iter().map(|&v| v.into()).collect(),
            Data::U8(v) => v.iter().map(|&v| v.into()).collect(),
            Data::I32(v) => v.iter().map(|&v| v.into()).collect(),
            Data::I64(v) => v.clone(),
        })
    }
}

/// Puts the bytes of each weight tensor in another order, which leaves a network of the same shape
/// and levels that has learned nothing.
pub fn shuffle_weights(proto: &mut pb::ModelProto, seed: u64) {
    use tensor_proto::DataType as T;
    let mut random = oorandom::Rand64::new(u128::from(seed));
    let Some(graph) = &mut proto.graph else { return };
    for tensor in &mut graph.initializer {
        let bytes = [T::Int8, T::Uint8].map(|t| t as i32).contains(&tensor.data_type);
        if bytes && tensor.dims.len() > 1 {
            shuffle(&mut tensor.raw_data, &mut random);
            shuffle(&mut tensor.int32_data, &mut random);
        }
    }
}

/// Fisher and Yates.
fn shuffle<T>(values: &mut [T], random: &mut oorandom::Rand64) {
    for i in (1..values.len()).rev() {
        values.swap(i, random.rand_range(0..i as u64 + 1) as usize);
    }
}

/// A node's attribute, if it is there.
fn attribute<'a>(node: &'a pb::NodeProto, name: &str) -> Option<&'a pb::AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

pub fn int(node: &pb::NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |a| a.i)
}

pub fn real(node: &pb::NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |a| a.f)
}

pub fn text<'a>(node: &'a pb::NodeProto, name: &str, default: &'a str) -> &'a str {
    attribute(node, name).and_then(|a| std::str::from_utf8(&a.s).ok()).unwrap_or(default)
}

pub fn ints<'a>(node: &'a pb::NodeProto, name: &str) -> Option<&'a [i64]> {
    attribute(node, name).map(|a| &a.ints[..])
}

pub fn tensor<'a>(node: &'a pb::NodeProto, name: &str) -> Option<&'a pb::TensorProto> {
    attribute(node, name)?.t.as_ref()
}

/// Element type and shape of a declared input or output, if the shape is fixed.
pub fn declared(info: &pb::ValueInfoProto) -> Option<(tensor_proto::DataType, Vec<usize>)> {
    use pb::tensor_shape_proto::dimension::Value;
    use pb::type_proto::Value as Type;
    let Some(Type::TensorType(tensor)) = info.r#type.as_ref()?.value.as_ref() else { return None };
    let dims = tensor.shape.as_ref()?.dim.iter().map(|d| match d.value.as_ref()? {
        Value::DimValue(v) => usize::try_from(*v).ok(),
        Value::DimParam(_) => None,
    });
    let kind = tensor_proto::DataType::try_from(tensor.elem_type).ok()?;
    Some((kind, dims.collect::<Option<_>>()?))
}
