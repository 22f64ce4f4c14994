//! A lowered network as one operator of tract's.

use std::fmt;
use std::sync::Arc;

use tract_onnx::tract_core::internal::*;

use super::engine::{Engine, Program};
use super::graph::{End, Entry};

/// Runs a whole program; its state is the program's memory.
#[derive(Clone)]
pub struct Region {
    pub program: Arc<Program>,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} layers on {}", self.program.graph().layers.len(), self.program.isa().name())
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Region) -> bool {
        Arc::ptr_eq(&self.program, &other.program)
    }
}

impl Eq for Region {}

impl Op for Region {
    fn name(&self) -> StaticName {
        "Int8Region".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Region {
    not_out_of_plan!();

    fn state(&self, _: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(State(Engine::with_team(Arc::clone(&self.program))?))))
    }
}

impl TypedOp for Region {
    as_op!();

    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.program.graph().ends.iter().map(|end| f32::fact(&end.shape)).collect())
    }
}

#[derive(Clone)]
struct State(Engine);

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory of an Int8Region")
    }
}

impl OpState for State {
    fn eval(
        &mut self,
        _: &EvalContext,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let region = op.downcast_ref::<Region>().context("not an Int8Region")?;
        let graph = region.program.graph();
        let input = inputs[0].try_as_plain_ram()?;
        let outputs = match graph.entry {
            Entry::Bytes { signed: false } => self.0.run_bytes(input.as_slice::<u8>()?),
            Entry::Bytes { signed: true } => self.0.run_bytes(input.as_bytes()),
            Entry::Reals => self.0.run_reals(input.as_slice::<f32>()?),
        };
        let tensor = |(end, reals): (&End, &Vec<f32>)| {
            Ok(Tensor::from_shape(&end.shape, reals)?.into_tvalue())
        };
        graph.ends.iter().zip(outputs).map(tensor).collect()
    }

    fn reset_lanes(&mut self, _: &[LaneId]) -> TractResult<()> {
        // Nothing is carried from one turn to the next.
        Ok(())
    }
}

/// A model of nothing but the region.
pub fn model(program: Arc<Program>) -> TractResult<TypedModel> {
    let graph = program.graph();
    let kind = match graph.entry {
        Entry::Bytes { signed: false } => DatumType::U8,
        Entry::Bytes { signed: true } => DatumType::I8,
        Entry::Reals => DatumType::F32,
    };
    let mut model = TypedModel::default();
    let input = model.add_source("input", kind.fact(&graph.input_shape))?;
    let outputs = model.wire_node("int8", Region { program }, &[input])?;
    model.select_output_outlets(&outputs)?;
    Ok(model)
}
