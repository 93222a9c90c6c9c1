//! Countries by the names that people use: English names, common short forms, ISO 3166 codes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// `CODE three-letter-code name|other name`, one country a line.
const COUNTRIES: &str = include_str!("countries.txt");

static BY_NAME: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let mut names = BTreeMap::new();
    for line in COUNTRIES.lines() {
        let Some((codes, rest)) = line.split_at_checked(6) else { continue };
        let Some((two, three)) = codes.trim().split_once(' ') else { continue };
        names.insert(two.to_lowercase(), two);
        names.insert(three.to_lowercase(), two);
        for name in rest.split('|') {
            names.insert(simple(name), two);
        }
    }
    names
});

/// The two-letter ISO code of a country, by code or by name; case, dots and a leading "the" do not matter.
pub(crate) fn iso_code(text: &str) -> Option<&'static str> {
    BY_NAME.get(&simple(text)).copied()
}

fn simple(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String = lower.chars().filter(|c| !matches!(c, '.' | ',' | '\'' | '’' | '(' | ')')).collect();
    let joined = kept.replace('&', "and").split_whitespace().collect::<Vec<_>>().join(" ");
    joined.strip_prefix("the ").map_or(joined.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::iso_code;

    #[test]
    fn countries_are_known_by_the_names_of_real_data() {
        let cases = [
            ("Brazil", "BR"),
            ("United Kingdom", "GB"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("Czech Republic", "CZ"),
            ("czechia", "CZ"),
            ("The Netherlands", "NL"),
            ("Netherlands", "NL"),
            ("de", "DE"),
            ("DEU", "DE"),
            ("Deutschland", "DE"),
            ("South Korea", "KR"),
            ("Côte d'Ivoire", "CI"),
            ("UK", "GB"),
            ("Türkiye", "TR"),
            ("United States of America", "US"),
            ("Bosnia & Herzegovina", "BA"),
            ("Viet Nam", "VN"),
            ("  Chile ", "CL"),
        ];
        for (name, code) in cases {
            assert_eq!(iso_code(name), Some(code), "{name}");
        }
        assert_eq!(iso_code("Atlantis"), None);
        assert_eq!(iso_code(""), None);
    }

    #[test]
    fn every_country_has_a_numbering_plan() {
        let without: Vec<&str> = super::COUNTRIES
            .lines()
            .filter_map(|line| line.get(..2))
            .filter(|code| code.parse::<phonenumber::country::Id>().is_err())
            .collect();
        assert_eq!(without, ["AQ", "BV", "GS", "HM", "PN", "TF", "UM"], "territories that have none of their own");
    }
}
