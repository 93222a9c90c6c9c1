//! Expressions over a row: conditions and computed fields.
//!
//! The language is CEL, behind [`Expression`], so that another can take its place. It is chosen for being strict: a
//! text is never compared with a number by some order of types, it is an error. Expressions always end: CEL has no
//! loops but over the values at hand.
//!
//! The parser of the `cel` crate recurses deeply and overflows small stacks, which ends the process. So sources are
//! limited in length, parsed on a thread with a large stack, and their nesting is limited before anything runs them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue};
use cel::objects::{Key, Map};
use linchpin_core::sync::row::Cell;

use crate::value::Value;

/// The longest source in bytes.
pub(crate) const SOURCE_BYTES_MAX: usize = 4096;
/// The deepest nesting: half of what was seen to run on a 2 MiB stack in a debug build.
pub(crate) const DEPTH_MAX: usize = 24;
/// The stack of the parser's thread. 90 nested parentheses overflow 8 MiB in a debug build; the source limit allows
/// some 2,000, which the parser itself refuses beyond 96.
const PARSER_STACK_BYTES: usize = 64 << 20;
/// The name under which the row is known.
const ROW: &str = "row";

/// An expression that is ready to run.
pub(crate) trait Expression: fmt::Debug + Send + Sync {
    /// The columns that it reads.
    fn columns(&self) -> &[String];
    /// The value for the cells of those columns, in the same order.
    ///
    /// # Errors
    /// What went wrong, for the operator.
    fn evaluate(&self, cells: &[&Cell]) -> Result<Value, String>;
}

/// Why a source is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceError {
    /// Line inside the source, from 1; 0 if unknown.
    pub line: u64,
    /// Column in characters, from 1; 0 if unknown.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

impl SourceError {
    fn whole(message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, message: message.into() }
    }
}

/// Compiles a source.
///
/// # Errors
/// The first thing that is wrong with it.
pub(crate) fn compile(source: &str) -> Result<Arc<dyn Expression>, SourceError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(SourceError::whole(format!(
            "the expression is {} bytes long, at most {SOURCE_BYTES_MAX} are allowed",
            source.len()
        )));
    }
    let source = source.to_owned();
    // The one thread of this crate: see the module's header. It ends before this function does.
    let parsed = std::thread::Builder::new()
        .name("expression".to_owned())
        .stack_size(PARSER_STACK_BYTES)
        .spawn(move || parse(&source))
        .map_err(|error| SourceError::whole(format!("no thread for the parser: {error}")))?
        .join();
    let compiled = parsed.map_err(|_| SourceError::whole("the parser gave up on this expression"))??;
    Ok(Arc::new(compiled))
}

/// The functions and types of the language, shared by all expressions.
static LANGUAGE: LazyLock<Arc<cel::Env>> = LazyLock::new(|| Arc::new(cel::Env::stdlib()));

fn parse(source: &str) -> Result<Cel, SourceError> {
    let program = LANGUAGE.compile(source).map_err(|errors| {
        errors.errors.first().map_or_else(
            || SourceError::whole("the expression cannot be read"),
            |first| SourceError {
                line: u64::try_from(first.pos.0).unwrap_or(0),
                column: u64::try_from(first.pos.1).unwrap_or(0),
                message: first.msg.clone(),
            },
        )
    })?;
    let mut walk = Walk { columns: BTreeSet::new(), bound: vec![], fault: None };
    walk.visit(program.expression(), 1);
    if let Some((node, message)) = walk.fault {
        let (line, column) = place(source, &program, node);
        return Err(SourceError { line, column, message });
    }
    Ok(Cel { program, columns: walk.columns.into_iter().collect() })
}

/// Line and column of a node, both from 1; the parser knows offsets in characters.
fn place(source: &str, program: &cel::Program, node: u64) -> (u64, u64) {
    let Some((start, _)) = program.source_info().offset_for(node) else { return (0, 0) };
    let before: String = source.chars().take(usize::try_from(start).unwrap_or(0).saturating_sub(1)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (u64::try_from(line).unwrap_or(0), u64::try_from(column).unwrap_or(0))
}

/// Finds the columns, and what must not be there.
struct Walk {
    columns: BTreeSet<String>,
    bound: Vec<String>,
    fault: Option<(u64, String)>,
}

impl Walk {
    fn visit(&mut self, node: &IdedExpr, depth: usize) {
        if depth > DEPTH_MAX {
            let message = format!("the expression is nested deeper than {DEPTH_MAX}; write it in fewer steps");
            self.fault.get_or_insert((node.id, message));
            return;
        }
        match &node.expr {
            Expr::Select(select) if is_row(&select.operand) => {
                self.columns.insert(select.field.clone());
            }
            Expr::Select(select) => self.visit(&select.operand, depth + 1),
            Expr::Call(call) => self.visit_call(node, call, depth),
            Expr::Ident(name) if name == ROW => {
                let message = "`row` needs a column: `row.Name`, or `row[\"Name\"]`".to_owned();
                self.fault.get_or_insert((node.id, message));
            }
            Expr::Ident(name) if self.bound.contains(name) || is_type_name(name) => {}
            Expr::Ident(name) => {
                let message = format!("`{name}` is not known here; columns are written `row.{name}`");
                self.fault.get_or_insert((node.id, message));
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element, depth + 1)),
            Expr::Map(map) => self.visit_entries(&map.entries, depth + 1),
            Expr::Struct(made) => self.visit_entries(&made.entries, depth + 1),
            Expr::Comprehension(it) => {
                self.visit(&it.iter_range, depth + 1);
                let names = [Some(&it.iter_var), it.iter_var2.as_ref(), Some(&it.accu_var)];
                let before = self.bound.len();
                self.bound.extend(names.into_iter().flatten().cloned());
                for part in [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result] {
                    self.visit(part, depth + 1);
                }
                self.bound.truncate(before);
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn visit_call(&mut self, node: &IdedExpr, call: &cel::common::ast::CallExpr, depth: usize) {
        if let ("_[_]", [operand, index]) = (call.func_name.as_str(), call.args.as_slice())
            && is_row(operand)
        {
            match &index.expr {
                Expr::Literal(LiteralValue::String(name)) => {
                    self.columns.insert(name.inner().to_owned());
                }
                _ => {
                    let message = "a column must be named outright: `row[\"Name\"]`".to_owned();
                    self.fault.get_or_insert((node.id, message));
                }
            }
            return;
        }
        for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
            self.visit(part, depth + 1);
        }
    }

    fn visit_entries(&mut self, entries: &[IdedEntryExpr], depth: usize) {
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.visit(&field.value, depth),
                EntryExpr::MapEntry(pair) => {
                    self.visit(&pair.key, depth);
                    self.visit(&pair.value, depth);
                }
            }
        }
    }
}

fn is_row(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name == ROW)
}

fn is_type_name(name: &str) -> bool {
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"].contains(&name)
}

/// A CEL program and the columns that it reads.
struct Cel {
    program: cel::Program,
    columns: Vec<String>,
}

impl fmt::Debug for Cel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cel").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Expression for Cel {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn evaluate(&self, cells: &[&Cell]) -> Result<Value, String> {
        let pairs = self.columns.iter().zip(cells);
        let row: HashMap<Key, cel::Value> =
            pairs.map(|(name, cell)| (Key::String(Arc::new(name.clone())), cel_value(cell))).collect();
        let mut context = cel::Context::with_env(Arc::clone(&LANGUAGE));
        context.add_variable_from_value(ROW, cel::Value::Map(Map { map: Arc::new(row) }));
        let answer = self.program.execute(&context).map_err(|error| error.to_string())?;
        own_value(&answer)
    }
}

fn cel_value(cell: &Cell) -> cel::Value {
    match cell {
        Cell::Null => cel::Value::Null,
        Cell::Bool(value) => cel::Value::Bool(*value),
        Cell::Int(value) => cel::Value::Int(*value),
        Cell::Real(value) => cel::Value::Float(*value),
        Cell::Text(value) => cel::Value::String(Arc::new(value.clone())),
    }
}

fn own_value(value: &cel::Value) -> Result<Value, String> {
    match value {
        cel::Value::Null => Ok(Value::Null),
        cel::Value::Bool(value) => Ok(Value::Bool(*value)),
        cel::Value::Int(value) => Ok(Value::Int(*value)),
        cel::Value::UInt(value) => Ok(Value::Text(value.to_string())),
        cel::Value::Float(value) => Ok(Value::Real(*value)),
        cel::Value::String(value) => Ok(Value::Text(value.as_str().to_owned())),
        cel::Value::List(values) => values.iter().map(own_value).collect::<Result<_, _>>().map(Value::List),
        other => Err(format!("the expression gives a {}, which no property can hold", other.type_of())),
    }
}
