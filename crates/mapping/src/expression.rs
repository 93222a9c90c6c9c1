//! Expressions over a row: conditions and computed fields.
//!
//! The language is CEL, behind [`Expression`], so that another can take its place. It is chosen for being strict: a
//! text is never compared with a number by some order of types, it is an error. Expressions always end: CEL has no
//! loops but over the values at hand.
//!
//! The parser of the `cel` crate recurses deeply and overflows small stacks, which ends the process. So sources are
//! limited in length, parsed on a thread with a large stack, and their nesting is limited before anything runs them.

use std::collections::{BTreeMap, HashMap};
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

/// An expression and where it reads its columns.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What runs.
    pub expression: Arc<dyn Expression>,
    /// Line and column, inside the source, of the first use of each of its columns, in the same order.
    pub places: Vec<(u64, u64)>,
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
pub(crate) fn compile(source: &str) -> Result<Compiled, SourceError> {
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
    let (program, places) = parsed.map_err(|_| SourceError::whole("the parser gave up on this expression"))??;
    Ok(Compiled { expression: Arc::new(program), places })
}

/// The functions and types of the language, shared by all expressions.
static LANGUAGE: LazyLock<Arc<cel::Env>> = LazyLock::new(|| Arc::new(cel::Env::stdlib()));

fn parse(source: &str) -> Result<(Cel, Vec<(u64, u64)>), SourceError> {
    let program = LANGUAGE.compile(source).map_err(|errors| {
        errors.errors.first().map_or_else(
            || SourceError::whole("the expression cannot be read"),
            |first| SourceError {
                line: u64::try_from(first.pos.0).unwrap_or(0),
                column: u64::try_from(first.pos.1).unwrap_or(0),
                message: plain_message(&first.msg),
            },
        )
    })?;
    let mut walk = Walk { columns: BTreeMap::new(), bound: vec![], fault: None };
    walk.visit(program.expression(), 1);
    if let Some((node, message)) = walk.fault {
        let (line, column) = place(source, &program, node);
        return Err(SourceError { line, column, message });
    }
    let places = walk.columns.values().map(|node| place(source, &program, *node)).collect();
    Ok((Cel { program, columns: walk.columns.into_keys().collect() }, places))
}

/// The parser's complaint without its list of all that it would have taken.
fn plain_message(message: &str) -> String {
    let short = message.split(" expecting ").next().unwrap_or(message);
    short.replace("Syntax error: ", "").replace("mismatched input '<EOF>'", "it ends too early")
}

/// Line and column of a node, both from 1; the parser knows offsets in characters.
fn place(source: &str, program: &cel::Program, node: u64) -> (u64, u64) {
    let Some((start, _)) = program.source_info().offset_for(node) else { return (0, 0) };
    let before: String = source.chars().take(usize::try_from(start).unwrap_or(0)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (u64::try_from(line).unwrap_or(0), u64::try_from(column).unwrap_or(0))
}

/// Finds the columns, and what must not be there.
struct Walk {
    columns: BTreeMap<String, u64>,
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
                self.columns.entry(select.field.clone()).or_insert(select.operand.id);
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
            if let Expr::Literal(LiteralValue::String(name)) = &index.expr {
                self.columns.entry(name.inner().to_owned()).or_insert(operand.id);
            } else {
                let message = "a column must be named outright: `row[\"Name\"]`".to_owned();
                self.fault.get_or_insert((node.id, message));
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
        let answer = self.program.execute(&context).map_err(|error| explained(&error))?;
        own_value(&answer)
    }
}

/// The interpreter's complaint in words that fit a row.
fn explained(error: &cel::ExecutionError) -> String {
    match error {
        cel::ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let (left, right) = (left.type_of(), right.type_of());
            format!(
                "`{operator}` does not work between {left} and {right}; convert one with string(), int() or double()"
            )
        }
        cel::ExecutionError::ValuesNotComparable(left, right) => {
            format!("a {} cannot be compared with a {}", left.type_of(), right.type_of())
        }
        other => other.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: &str, cells: &[&Cell]) -> Result<Value, String> {
        compile(source).map_err(|error| error.message)?.expression.evaluate(cells)
    }

    #[test]
    fn an_expression_reads_its_columns_and_gives_a_value() {
        let name = Cell::Text("Ada".to_owned());
        let total = Cell::Real(12.5);
        let compiled = compile("row.name + ' ' + string(row['total'])").unwrap();
        assert_eq!(compiled.expression.columns(), ["name", "total"]);
        assert_eq!(compiled.places, [(1, 1), (1, 25)]);
        assert_eq!(compiled.expression.evaluate(&[&name, &total]), Ok(Value::Text("Ada 12.5".to_owned())));
        assert_eq!(run("row.total > 10.0 && row.name != ''", &[&name, &total]), Ok(Value::Bool(true)));
        assert_eq!(run("row.name == null ? 'none' : row.name", &[&Cell::Null]), Ok(Value::Text("none".to_owned())));
        assert_eq!(run("[1, 2].exists(n, n == row.n)", &[&Cell::Int(2)]), Ok(Value::Bool(true)));
    }

    #[test]
    fn a_text_is_never_compared_with_a_number() {
        assert!(run("row.total > 1000", &[&Cell::Text("900".to_owned())]).is_err());
        assert!(run("row.a + row.b", &[&Cell::Text("x".to_owned()), &Cell::Null]).is_err());
    }

    #[test]
    fn what_cannot_run_is_refused_with_its_place() {
        let cases =
            [("row.a &&", 1, 9), ("row.a + b", 1, 9), ("row", 1, 1), ("row[row.a]", 1, 4), ("row.a +\n  b", 2, 3)];
        for (source, line, column) in cases {
            let error = compile(source).expect_err(source);
            assert_eq!((error.line, error.column), (line, column), "{source}: {}", error.message);
        }
    }

    #[test]
    fn deep_and_long_sources_are_refused_and_never_end_the_process() {
        for depth in [30, 90, 200, 1_000, 2_000] {
            let nested = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
            // Brackets alone leave no trace in the tree, so a few of them are fine.
            let compiled = compile(&nested).is_ok();
            assert!(!compiled || depth <= 90, "{depth}");
            let lists = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            assert!(compile(&lists).is_err(), "{depth}");
            let sizes = format!("{}[]{}", "size([".repeat(depth), "])".repeat(depth));
            assert!(compile(&sizes).is_err(), "{depth}");
            let ternaries = format!("{}1", "true ? 1 : ".repeat(depth));
            assert!(compile(&ternaries).is_err(), "{depth}");
        }
        assert!(compile(&" ".repeat(SOURCE_BYTES_MAX + 1)).is_err());
    }
}
