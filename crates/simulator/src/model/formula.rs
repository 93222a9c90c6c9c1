//! The language of calculation properties: read from text, evaluated over the values of one record.
//!
//! Source: HubSpot's guide to properties (literals, `string(..)` and `bool(..)` around properties, operators,
//! functions, `if .. then .. elseif .. else .. endif`); notes of 2026 on live accounts: a property without a value
//! blanks the whole result, even in a branch that is not taken. Dates count as epoch milliseconds, which is a guess.
//! Invariant: parsing and evaluating end for every text within a small stack; nesting and operators are limited.

/// Bytes of a formula.
const FORMULA_BYTES_MAX: usize = 8_192;
/// Nesting of parentheses, calls and conditions.
const DEPTH_MAX: usize = 64;
/// Operators, signs and negations included. A chain of them is evaluated as deep as it is long.
///
/// HubSpot documents no such limit: it is ours, far above what a person writes.
pub(super) const OPERATORS_MAX: usize = 500;

/// A value under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Number(f64),
    Text(String),
    Flag(bool),
}

/// In which form a property is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Text,
    Flag,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Constant(Term),
    Property(String, Form),
    IsPresent(String),
    Not(Box<Self>),
    Negative(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Call(Function, Vec<Self>),
    Choice(Vec<(Self, Self)>, Option<Box<Self>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Equal,
    Unequal,
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Max,
    Min,
    Contains,
    Concatenate,
    NumberToString,
    StringToNumber,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
}

/// A formula that has been understood.
#[derive(Clone, Debug)]
pub(super) struct Formula {
    root: Expression,
    /// Properties without which there is no result.
    needed: Vec<String>,
    /// Properties that are only asked whether they are there.
    asked: Vec<String>,
}

const SIGNS: &[&str] = &["<=", ">=", "!=", "+", "-", "*", "/", "<", ">", "=", "(", ")", ","];

impl Formula {
    /// Reads a formula, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > FORMULA_BYTES_MAX {
            return Err(format!("the formula is longer than {FORMULA_BYTES_MAX} bytes"));
        }
        let mut parser = Parser {
            tokens: read_tokens(text)?,
            place: 0,
            depth: 0,
            operators: 0,
            needed: Vec::new(),
            asked: Vec::new(),
        };
        let root = parser.expression()?;
        match parser.tokens.get(parser.place) {
            None => Ok(Self { root, needed: parser.needed, asked: parser.asked }),
            Some(token) => Err(format!("unexpected {}", name_of(token))),
        }
    }

    /// All properties that the formula names.
    pub(super) fn properties(&self) -> impl Iterator<Item = &str> {
        self.needed.iter().chain(&self.asked).map(String::as_str)
    }

    /// The result, or nothing when a needed property has no value or the formula does not fit its values.
    pub(super) fn evaluate(&self, value_of: &dyn Fn(&str, Form) -> Option<Term>) -> Option<Term> {
        let there = |name: &String| value_of(name, Form::Text).is_some();
        if !self.needed.iter().all(there) {
            return None;
        }
        evaluate(&self.root, value_of)
    }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Number(number) => number.to_string(),
        Token::Text(text) => format!("'{text}'"),
        Token::Word(word) => word.clone(),
        Token::Sign(sign) => (*sign).to_owned(),
    }
}

fn read_tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = if first == '"' || first == '\'' {
            let inner = rest.get(1..).unwrap_or_default();
            let (inner, behind) = inner.split_once(first).ok_or("a text does not end")?;
            (Token::Text(inner.to_owned()), behind)
        } else if first.is_ascii_digit() || first == '.' {
            let end = rest.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(rest.len());
            let (number, behind) = rest.split_at(end);
            (Token::Number(number.parse().map_err(|_| format!("{number} is not a number"))?), behind)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_').unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            (Token::Word(word.to_owned()), behind)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("unexpected {first}"))?;
            (Token::Sign(sign), rest.get(sign.len()..).unwrap_or_default())
        };
        tokens.push(token);
        rest = behind.trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    place: usize,
    depth: usize,
    operators: usize,
    needed: Vec<String>,
    asked: Vec<String>,
}

impl Parser {
    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.place).cloned().ok_or("the formula ends too early")?;
        self.place += 1;
        Ok(token)
    }

    /// Takes a sign or a word if it is next.
    fn take(&mut self, wanted: &str) -> bool {
        let found = match self.tokens.get(self.place) {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Word(word)) => word == wanted,
            Some(Token::Number(_) | Token::Text(_)) | None => false,
        };
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("{wanted} is missing")) }
    }

    /// Counts an operator that was read.
    fn count_operator(&mut self) -> Result<(), String> {
        self.operators += 1;
        if self.operators <= OPERATORS_MAX {
            return Ok(());
        }
        Err(format!("the formula has more than {OPERATORS_MAX} operators"))
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("the formula is nested more than {DEPTH_MAX} deep"));
        }
        let read = if self.take("if") { self.choice() } else { self.operation(0) };
        self.depth -= 1;
        read
    }

    fn choice(&mut self) -> Result<Expression, String> {
        let mut branches = Vec::new();
        loop {
            let condition = self.expression()?;
            self.expect("then")?;
            branches.push((condition, self.expression()?));
            if !self.take("elseif") {
                break;
            }
        }
        let otherwise = if self.take("else") { Some(Box::new(self.expression()?)) } else { None };
        self.take("endif");
        Ok(Expression::Choice(branches, otherwise))
    }

    /// Operators of one level of precedence, the weakest first.
    fn operation(&mut self, level: usize) -> Result<Expression, String> {
        use Operator as O;
        const LEVELS: &[&[(&str, Operator)]] = &[
            &[("or", O::Or)],
            &[("and", O::And)],
            &[
                ("<=", O::AtMost),
                (">=", O::AtLeast),
                ("!=", O::Unequal),
                ("<", O::Less),
                (">", O::Greater),
                ("=", O::Equal),
                ("equals", O::Equal),
            ],
            &[("+", O::Add), ("-", O::Subtract)],
            &[("*", O::Multiply), ("/", O::Divide)],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.operation(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            self.count_operator()?;
            let right = self.operation(level + 1)?;
            left = Expression::Binary(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("the formula is nested more than {DEPTH_MAX} deep"));
        }
        let read = if self.take("not") {
            self.count_operator()?;
            Expression::Not(Box::new(self.unary()?))
        } else if self.take("-") {
            self.count_operator()?;
            Expression::Negative(Box::new(self.unary()?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(read)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        match self.next()? {
            Token::Number(number) => Ok(Expression::Constant(Term::Number(number))),
            Token::Text(text) => Ok(Expression::Constant(Term::Text(text))),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(format!("unexpected {sign}")),
            Token::Word(word) if word == "true" || word == "false" => {
                Ok(Expression::Constant(Term::Flag(word == "true")))
            }
            Token::Word(word) if self.take("(") => self.call(&word),
            Token::Word(word) => Ok(self.property(word, Form::Number)),
        }
    }

    fn property(&mut self, name: String, form: Form) -> Expression {
        self.needed.push(name.clone());
        Expression::Property(name, form)
    }

    /// What stands behind a word and its parenthesis.
    fn call(&mut self, word: &str) -> Result<Expression, String> {
        let form = match word {
            "string" => Some(Form::Text),
            "bool" => Some(Form::Flag),
            _ => None,
        };
        if form.is_some() || word == "is_present" {
            return self.property_call(form);
        }
        let function = match word {
            "max" => Function::Max,
            "min" => Function::Min,
            "contains" => Function::Contains,
            "concatenate" => Function::Concatenate,
            "number_to_string" => Function::NumberToString,
            "string_to_number" => Function::StringToNumber,
            _ => return Err(format!("there is no function {word}")),
        };
        let mut arguments = vec![self.expression()?];
        while self.take(",") {
            arguments.push(self.expression()?);
        }
        self.expect(")")?;
        let fits = match function {
            Function::Max | Function::Min | Function::Concatenate => arguments.len() >= 2,
            Function::Contains => arguments.len() == 2,
            Function::NumberToString | Function::StringToNumber => arguments.len() == 1,
        };
        if fits {
            Ok(Expression::Call(function, arguments))
        } else {
            Err(format!("{word} has another number of arguments"))
        }
    }

    /// `string(name)`, `bool(name)`, `is_present(name)`, the last also of the other two.
    fn property_call(&mut self, form: Option<Form>) -> Result<Expression, String> {
        let wraps = form.is_none() && (self.take("string") || self.take("bool"));
        if wraps {
            self.expect("(")?;
        }
        let Token::Word(name) = self.next()? else { return Err("a property's name is missing".to_owned()) };
        if wraps {
            self.expect(")")?;
        }
        self.expect(")")?;
        if let Some(form) = form {
            return Ok(self.property(name, form));
        }
        self.asked.push(name.clone());
        Ok(Expression::IsPresent(name))
    }
}

fn evaluate(expression: &Expression, value_of: &dyn Fn(&str, Form) -> Option<Term>) -> Option<Term> {
    match expression {
        Expression::Constant(term) => Some(term.clone()),
        Expression::Property(name, form) => value_of(name, *form),
        Expression::IsPresent(name) => Some(Term::Flag(value_of(name, Form::Text).is_some())),
        Expression::Not(inner) => match evaluate(inner, value_of)? {
            Term::Flag(flag) => Some(Term::Flag(!flag)),
            Term::Number(_) | Term::Text(_) => None,
        },
        Expression::Negative(inner) => match evaluate(inner, value_of)? {
            Term::Number(number) => Some(Term::Number(-number)),
            Term::Flag(_) | Term::Text(_) => None,
        },
        Expression::Binary(operator, left, right) => {
            operate(*operator, &evaluate(left, value_of)?, &evaluate(right, value_of)?)
        }
        Expression::Call(function, arguments) => {
            let arguments: Option<Vec<Term>> = arguments.iter().map(|one| evaluate(one, value_of)).collect();
            call(*function, &arguments?)
        }
        Expression::Choice(branches, otherwise) => {
            for (condition, then) in branches {
                match evaluate(condition, value_of)? {
                    Term::Flag(true) => return evaluate(then, value_of),
                    Term::Flag(false) => {}
                    Term::Number(_) | Term::Text(_) => return None,
                }
            }
            evaluate(otherwise.as_deref()?, value_of)
        }
    }
}

fn operate(operator: Operator, left: &Term, right: &Term) -> Option<Term> {
    use Operator as O;
    let term = match (operator, left, right) {
        (O::Add, Term::Number(one), Term::Number(other)) => Term::Number(one + other),
        (O::Subtract, Term::Number(one), Term::Number(other)) => Term::Number(one - other),
        (O::Multiply, Term::Number(one), Term::Number(other)) => Term::Number(one * other),
        (O::Divide, Term::Number(one), Term::Number(other)) => Term::Number(one / other),
        (O::Less, Term::Number(one), Term::Number(other)) => Term::Flag(one < other),
        (O::Greater, Term::Number(one), Term::Number(other)) => Term::Flag(one > other),
        (O::AtMost, Term::Number(one), Term::Number(other)) => Term::Flag(one <= other),
        (O::AtLeast, Term::Number(one), Term::Number(other)) => Term::Flag(one >= other),
        (O::Equal, one, other) => Term::Flag(one == other),
        (O::Unequal, one, other) => Term::Flag(one != other),
        (O::And, Term::Flag(one), Term::Flag(other)) => Term::Flag(*one && *other),
        (O::Or, Term::Flag(one), Term::Flag(other)) => Term::Flag(*one || *other),
        _ => return None,
    };
    // Nothing is divided by zero, and nothing grows beyond all numbers.
    match term {
        Term::Number(number) if !number.is_finite() => None,
        term => Some(term),
    }
}

fn call(function: Function, arguments: &[Term]) -> Option<Term> {
    let number = |term: &Term| match term {
        Term::Number(number) => Some(*number),
        Term::Text(_) | Term::Flag(_) => None,
    };
    let text = |term: &Term| match term {
        Term::Text(text) => Some(text.clone()),
        Term::Number(_) | Term::Flag(_) => None,
    };
    let numbers = || arguments.iter().map(number).collect::<Option<Vec<f64>>>();
    match (function, arguments) {
        (Function::Max, _) => numbers()?.into_iter().reduce(f64::max).map(Term::Number),
        (Function::Min, _) => numbers()?.into_iter().reduce(f64::min).map(Term::Number),
        (Function::Contains, [whole, part]) => Some(Term::Flag(text(whole)?.contains(&text(part)?))),
        (Function::Concatenate, all) => Some(Term::Text(all.iter().map(text).collect::<Option<String>>()?)),
        (Function::NumberToString, [only]) => Some(Term::Text(number(only)?.to_string())),
        (Function::StringToNumber, [only]) => text(only)?.parse().ok().map(Term::Number),
        (Function::Contains | Function::NumberToString | Function::StringToNumber, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(name: &str, form: Form) -> Option<Term> {
        match (name, form) {
            ("price", Form::Number) => Some(Term::Number(12.5)),
            ("count", Form::Number) => Some(Term::Number(4.0)),
            ("price" | "count", _) => Some(Term::Text("12.5".to_owned())),
            ("city", Form::Text) => Some(Term::Text("Turin".to_owned())),
            ("open", Form::Flag) => Some(Term::Flag(true)),
            ("open", Form::Text) => Some(Term::Text("true".to_owned())),
            _ => None,
        }
    }

    fn result(text: &str) -> Option<Term> {
        Formula::parse(text).unwrap().evaluate(&value)
    }

    #[test]
    fn formulas_have_the_documented_operators_functions_and_conditions() {
        let rows = [
            ("price * count - 1", Term::Number(49.0)),
            ("-(price + 1.5) / 2", Term::Number(-7.0)),
            ("1 + 2 * 3 = 7 and not false", Term::Flag(true)),
            ("price >= 12.5 or count < 0", Term::Flag(true)),
            ("string(city) equals 'Turin'", Term::Flag(true)),
            ("string(city) != \"Rome\"", Term::Flag(true)),
            ("max(price, count, 3) - min(price, count)", Term::Number(8.5)),
            ("contains(string(city), 'uri')", Term::Flag(true)),
            ("concatenate(string(city), ' ', number_to_string(count))", Term::Text("Turin 4".to_owned())),
            ("string_to_number('2.5') * 2", Term::Number(5.0)),
            ("if price > 100 then 1 elseif bool(open) then 2 else 3 endif", Term::Number(2.0)),
            ("if is_present(phone) then 'yes' else 'no'", Term::Text("no".to_owned())),
            ("if is_present(string(city)) then 1 else 0 endif", Term::Number(1.0)),
        ];
        for (text, expected) in rows {
            assert_eq!(result(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_missing_value_blanks_the_whole_result_even_in_a_branch_that_is_not_taken() {
        assert_eq!(result("if count > 0 then 1 else phone endif"), None);
        assert_eq!(result("if count > 0 then 1 else 2 endif"), Some(Term::Number(1.0)));
    }

    #[test]
    fn what_does_not_fit_has_no_result() {
        for text in ["count / 0", "string(city) + 1", "not count", "if count then 1 else 2", "if false then 1 endif"] {
            assert_eq!(result(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_formula_is_told_why() {
        for (text, why) in [
            ("", "the formula ends too early"),
            ("1 +", "the formula ends too early"),
            ("(1", ") is missing"),
            ("1 2", "unexpected 2"),
            ("'open", "a text does not end"),
            ("sum(1, 2)", "there is no function sum"),
            ("max(1)", "max has another number of arguments"),
            ("if 1 else 2", "then is missing"),
            ("1 % 2", "unexpected %"),
        ] {
            assert_eq!(Formula::parse(text).err().as_deref(), Some(why), "{text}");
        }
        assert!(Formula::parse(&"(".repeat(4_000)).is_err());
        assert!(Formula::parse(&"-".repeat(4_000)).is_err());
        assert!(Formula::parse(&"1+".repeat(4_000)).is_err());
    }

    #[test]
    fn a_formula_has_at_most_500_operators_signs_and_negations_included() {
        let refused = Some("the formula has more than 500 operators");
        for (first, more) in [("1", "+1"), ("1", " - -1"), ("true", " and not true"), ("1", "*(2)"), ("1", "=1")] {
            let each = if more.contains("- -") || more.contains("not") { 2 } else { 1 };
            let formula = |count: usize| format!("{first}{}", more.repeat(count));
            assert!(Formula::parse(&formula(OPERATORS_MAX / each)).is_ok(), "{more}");
            assert_eq!(Formula::parse(&formula(OPERATORS_MAX / each + 1)).err().as_deref(), refused, "{more}");
        }
        assert_eq!(result(&format!("count{}", "+1".repeat(OPERATORS_MAX))), Some(Term::Number(504.0)));
    }

    #[test]
    fn the_longest_and_the_deepest_formula_need_little_stack() {
        let deepest = DEPTH_MAX / 2 - 1;
        let texts = [
            format!("1{}", "+1".repeat(4_000)),
            format!("1{}", "+1".repeat(OPERATORS_MAX)),
            format!("{}1{}", "(".repeat(deepest), ")".repeat(deepest)),
            format!("{}1{}", "max(1,".repeat(deepest), ")".repeat(deepest)),
            format!("{}1", "if true then ".repeat(DEPTH_MAX - 2)),
            "(".repeat(FORMULA_BYTES_MAX),
            "-".repeat(FORMULA_BYTES_MAX),
            "not ".repeat(FORMULA_BYTES_MAX / 4),
            "max(1,".repeat(FORMULA_BYTES_MAX / 6),
            "if true then ".repeat(FORMULA_BYTES_MAX / 13),
        ];
        let read = move || texts.iter().filter_map(|text| Formula::parse(text).ok()?.evaluate(&value)).count();
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(read).unwrap();
        assert_eq!(thread.join().unwrap(), 4, "half of them are formulas");
    }

    proptest! {
        #[test]
        fn any_text_is_a_formula_or_refused(text in "[a-z0-9 ()<>=!+*/,.'\"-]{0,60}") {
            if let Ok(formula) = Formula::parse(&text) {
                formula.evaluate(&value);
            }
        }
    }
}
