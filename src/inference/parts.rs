//! Networks of which only parts have a byte form: those are lowered, the rest stays in tract.
//!
//! A network is cut where a single real activation goes from what comes before to what comes after.
//! Between two cuts it is lowered, or else run by tract, from which it differs in nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tract_onnx::pb;
use tract_onnx::prelude::{DatumType, Framework, TractResult};
use tract_onnx::tract_hir::infer::{Factoid, InferenceModelExt};

use super::graph::{Graph, Op};
use super::lower::{Obstacle, lower};

/// A part of a network; each takes what the one before it gives.
pub enum Part {
    Lowered(Graph),
    /// A network of its own, with the operator that keeps it from being lowered.
    Tract(Box<pb::ModelProto>, Obstacle),
}

/// Cuts a network that cannot be lowered as a whole, because of `obstacle`. One part is all of it
/// where nothing can.
pub fn parts(model: &pb::ModelProto, obstacle: Obstacle) -> TractResult<Vec<Part>> {
    let whole = |obstacle| Ok(vec![Part::Tract(Box::new(model.clone()), obstacle)]);
    let quantizes = |node: &pb::NodeProto| node.op_type.contains("Linear");
    if !model.graph.as_ref().is_some_and(|graph| graph.node.iter().any(quantizes)) {
        return whole(obstacle);
    }
    let Some(network) = Network::read(model)? else { return whole(obstacle) };
    let mut parts: Vec<(Range<usize>, Result<Graph, Obstacle>)> = Vec::new();
    let mut at = 0;
    while at < network.cuts.len() - 1 {
        let (to, part) = network.next(at);
        match (parts.last_mut(), &part) {
            // What stays in tract goes on; its first obstacle is the one that is named.
            (Some((range, Err(_))), Err(_)) => range.end = to,
            _ => parts.push((at..to, part)),
        }
        at = to;
    }
    if parts.iter().all(|(_, part)| part.is_err()) {
        return whole(obstacle);
    }
    let part = |(range, part): (Range<usize>, _)| match part {
        Ok(graph) => Part::Lowered(graph),
        Err(obstacle) => Part::Tract(Box::new(network.section(range)), obstacle),
    };
    Ok(parts.into_iter().map(part).collect())
}

/// A place to cut: before this node, with the one value that is alive there.
struct Cut {
    node: usize,
    value: pb::ValueInfoProto,
}

struct Network<'a> {
    model: &'a pb::ModelProto,
    graph: &'a pb::GraphProto,
    /// Of each node, whether it depends on the input.
    active: Vec<bool>,
    /// The first is the network's input, the last its output.
    cuts: Vec<Cut>,
}

impl<'a> Network<'a> {
    /// None for a network that has no single input and output.
    fn read(model: &'a pb::ModelProto) -> TractResult<Option<Network<'a>>> {
        let Some(graph) = &model.graph else { return Ok(None) };
        let constants: HashSet<&str> = graph.initializer.iter().map(|t| &t.name[..]).collect();
        let mut inputs = graph.input.iter().filter(|i| !constants.contains(&i.name[..]));
        let (Some(input), None, [output]) = (inputs.next(), inputs.next(), &graph.output[..])
        else {
            return Ok(None);
        };
        // Who made each active value, and who reads it last.
        let mut made: HashMap<&str, usize> = HashMap::from([(&input.name[..], 0)]);
        let mut last: HashMap<&str, usize> = HashMap::new();
        let mut active = Vec::with_capacity(graph.node.len());
        for (i, node) in graph.node.iter().enumerate() {
            let read: Vec<&str> =
                node.input.iter().map(|n| &n[..]).filter(|n| made.contains_key(n)).collect();
            active.push(!read.is_empty());
            if !read.is_empty() {
                last.extend(read.into_iter().map(|name| (name, i)));
                made.extend(node.output.iter().map(|name| (&name[..], i + 1)));
            }
        }
        last.insert(&output.name, graph.node.len());
        let mut shapes = tract_onnx::onnx().model_for_proto_model(model)?;
        shapes.analyse(false)?;
        let real = |name: &str| -> Option<pb::ValueInfoProto> {
            let fact = shapes.outlet_fact(shapes.find_outlet_label(name)?).ok()?;
            let kind = fact.datum_type.concretize()?;
            let shape = fact.shape.as_concrete_finite().ok()??;
            (kind == DatumType::F32).then(|| value(name, &shape))
        };
        let mut cuts = vec![Cut { node: 0, value: input.clone() }];
        for i in 1..graph.node.len() {
            let alive = |(name, &made): (&&str, &usize)| {
                made <= i && last.get(name).is_some_and(|&last| last >= i)
            };
            let mut alive = made.iter().filter(|&(name, made)| alive((name, made)));
            if let (Some((name, _)), None) = (alive.next(), alive.next())
                && let Some(value) = real(name)
            {
                cuts.push(Cut { node: i, value });
            }
        }
        cuts.push(Cut { node: graph.node.len(), value: output.clone() });
        Ok(Some(Network { model, graph, active, cuts }))
    }

    /// The part that begins at a cut: as much as can be lowered, or else up to the next cut.
    fn next(&self, at: usize) -> (usize, Result<Graph, Obstacle>) {
        let last = self.cuts.len() - 1;
        let (mut to, mut first) = (last, None);
        loop {
            match lower(&self.section(at..to)) {
                Ok(graph) if worth(&graph) => return (to, Ok(graph)),
                Ok(_) => {}
                Err(obstacle) => {
                    // Nothing that reaches as far as the obstacle can be lowered.
                    let node = |n: &pb::NodeProto| n.output.contains(&obstacle.output);
                    if let Some(node) = self.graph.node.iter().position(node) {
                        to = (at + 1..=to).find(|&c| self.cuts[c].node > node).unwrap_or(to);
                    }
                    first.get_or_insert(obstacle);
                }
            }
            if to <= at + 1 {
                let little = Obstacle::of("part", "has no layer with weights");
                return (at + 1, Err(first.unwrap_or(little)));
            }
            to -= 1;
        }
    }

    /// The nodes from one cut to another as a network, with the constants that they read.
    fn section(&self, cuts: Range<usize>) -> pb::ModelProto {
        let (from, to) = (&self.cuts[cuts.start], &self.cuts[cuts.end]);
        let mut wanted: HashSet<&str> = HashSet::new();
        let mut nodes = Vec::new();
        for (i, node) in self.graph.node.iter().enumerate().rev() {
            let inside = self.active[i] && (from.node..to.node).contains(&i);
            let constant = !self.active[i] && node.output.iter().any(|o| wanted.contains(&o[..]));
            if inside || constant {
                wanted.extend(node.input.iter().map(|name| &name[..]));
                nodes.push(node.clone());
            }
        }
        nodes.reverse();
        let initializer = self.graph.initializer.iter();
        let graph = pb::GraphProto {
            name: self.graph.name.clone(),
            node: nodes,
            initializer: initializer.filter(|t| wanted.contains(&t.name[..])).cloned().collect(),
            input: vec![from.value.clone()],
            output: vec![to.value.clone()],
            ..Default::default()
        };
        pb::ModelProto {
            ir_version: self.model.ir_version,
            opset_import: self.model.opset_import.clone(),
            graph: Some(graph),
            ..Default::default()
        }
    }
}

/// Whether a lowered part has work enough to be one.
fn worth(graph: &Graph) -> bool {
    graph.layers.iter().any(|layer| matches!(layer.op, Op::Convolution { .. }))
}

/// A real value of fixed shape, as ONNX declares it.
fn value(name: &str, shape: &[usize]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim =
        |&v: &usize| Dimension { value: Some(Value::DimValue(v as i64)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let elem_type = pb::tensor_proto::DataType::Float as i32;
    let tensor = pb::type_proto::Tensor { elem_type, shape: Some(shape) };
    let kind = pb::TypeProto {
        value: Some(pb::type_proto::Value::TensorType(tensor)),
        ..Default::default()
    };
    pb::ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}
