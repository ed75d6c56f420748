//! The text of a CEL rule that people write, compiled within bounds.
//!
//! In: a text. Out: its program, for as long as somebody asks something of it, or why it is none. The parser and the
//! evaluator call themselves for each level of a rule, so both run on a stack of their own, and what is too deep for
//! that is refused before it is parsed.

use std::fmt;

use kube_cel::cel::Program;
use kube_cel::cel::common::ast::{EntryExpr, Expr, IdedExpr, MapExpr, StructExpr};

/// Longer rules are refused: they are evaluated at every look.
pub const LENGTH_MAX: usize = 2_000;
/// So many brackets inside each other, and so many `?` in all.
pub const DEPTH_MAX: usize = 32;
/// So many operators and fields in all: each is one level of a chain.
pub const CHAIN_MAX: usize = 200;
/// Loops inside each other.
pub const LOOPS_MAX: usize = 2;
/// What a rule within these bounds needs, with room to spare (measured without optimisation: 8 MB hold 51 brackets, or
/// a chain of 218).
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// More characters than [`LENGTH_MAX`].
    #[error("is longer than {LENGTH_MAX} characters")]
    Long,
    /// More brackets or `?` than [`DEPTH_MAX`].
    #[error("has more than {DEPTH_MAX} brackets inside each other, or as many `?`")]
    Deep,
    /// More operators than [`CHAIN_MAX`].
    #[error("has more than {CHAIN_MAX} fields and operators")]
    Chained,
    /// More loops inside each other than [`LOOPS_MAX`].
    #[error("has more than {LOOPS_MAX} loops inside each other")]
    Loops,
    /// The parser refuses it.
    #[error("is no CEL: {0}")]
    Syntax(String),
}

/// A compiled rule.
pub struct CelRule<'p> {
    /// What can be executed.
    pub program: &'p Program,
    /// How many of its loops are inside each other.
    pub loops: usize,
}

impl fmt::Debug for CelRule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a rule with {} loops", self.loops)
    }
}

/// Compiles a rule and asks something of it, on a stack that is large enough for both.
pub fn with_cel_rule<T>(text: &str, ask: impl FnOnce(&CelRule<'_>) -> T) -> Result<T, RuleFault> {
    bounded(text)?;
    stacker::grow(STACK_BYTES, || {
        let program = Program::compile(text).map_err(|error| {
            let words = error.to_string();
            RuleFault::Syntax(words.lines().next().unwrap_or_default().to_owned())
        })?;
        let loops = loops(program.expression());
        if loops > LOOPS_MAX {
            return Err(RuleFault::Loops);
        }
        Ok(ask(&CelRule {
            program: &program,
            loops,
        }))
    })
}

/// What the parser would call itself too often for. What stands between quotes counts too: a rule has little of it.
fn bounded(text: &str) -> Result<(), RuleFault> {
    if text.chars().count() > LENGTH_MAX {
        return Err(RuleFault::Long);
    }
    let (mut open, mut depth, mut choices, mut chain) = (0_usize, 0, 0, 0);
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => {
                open += 1;
                chain += 1;
                depth = depth.max(open);
            }
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => choices += 1,
            '.' | '+' | '-' | '*' | '/' | '%' | '!' | '<' | '>' | '=' => chain += 1,
            _ => {}
        }
    }
    if depth > DEPTH_MAX || choices > DEPTH_MAX {
        Err(RuleFault::Deep)
    } else if chain > CHAIN_MAX {
        Err(RuleFault::Chained)
    } else {
        Ok(())
    }
}

/// The expressions that one is made of.
pub fn parts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Comprehension(own) => vec![
            &own.iter_range,
            &own.accu_init,
            &own.loop_cond,
            &own.loop_step,
            &own.result,
        ],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => entries
            .iter()
            .flat_map(|entry| match &entry.expr {
                EntryExpr::StructField(field) => vec![&field.value],
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            })
            .collect(),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
    }
}

/// How many loops of an expression are inside each other. What is looped over is worked out once.
fn loops(expression: &IdedExpr) -> usize {
    let deepest = |parts: &[&IdedExpr]| parts.iter().map(|part| loops(part)).max();
    match (&expression.expr, parts(expression).as_slice()) {
        (Expr::Comprehension(_), [range, inner @ ..]) => {
            loops(range).max(deepest(inner).unwrap_or_default() + 1)
        }
        (_, parts) => deepest(parts).unwrap_or_default(),
    }
}
