//! The words that the made-up companies and people are made of. Any likeness is chance.

/// A country of the demo.
pub(super) struct Country {
    /// Its ISO code.
    pub(super) code: &'static str,
    /// Its name, as the database has it.
    pub(super) name: &'static str,
    /// Its cities.
    pub(super) cities: &'static [&'static str],
    /// First names.
    pub(super) first: &'static [&'static str],
    /// Last names.
    pub(super) last: &'static [&'static str],
    /// Beginnings of valid phone numbers as they are written there; `#` is a digit.
    pub(super) phones: &'static [&'static str],
    /// The ending of its domains.
    pub(super) domain: &'static str,
}

pub(super) const COUNTRIES: [Country; 7] = [
    Country {
        code: "DE",
        name: "Germany",
        cities: &["Berlin", "Köln", "München", "Düsseldorf", "Görlitz"],
        first: &["Jürgen", "Anna", "Björn", "Käthe", "Lukas", "Sören", "Ute", "Zoë"],
        last: &["Müller", "Schäfer", "Weiß", "Krüger", "von der Heyde", "Köhler", "Böhm", "Yıldız"],
        phones: &["030 2655####", "(0221) 4780####", "+49 89 2180####", "0211/8920-###"],
        domain: "de",
    },
    Country {
        code: "FR",
        name: "France",
        cities: &["Paris", "Orléans", "Besançon", "Saint-Étienne", "Nîmes"],
        first: &["Zoé", "François", "Hélène", "Noël", "Inès", "Jérôme", "Maëlle", "André"],
        last: &["Lefèvre", "D'Aubigné", "Garçon", "Béranger", "Dupré", "de La Tour", "Guérin", "Noël"],
        phones: &["01 42 68 ## ##", "+33 4 78 62 ## ##", "04.91.13.##.##"],
        domain: "fr",
    },
    Country {
        code: "US",
        name: "United States",
        cities: &["Austin", "Portland", "San José", "St. Louis", "Winston-Salem"],
        first: &["Aaliyah", "Ben", "Chloe", "DeShawn", "Emily", "Juan", "Grace", "Owen"],
        last: &["O'Neill", "Nguyen", "Smith-Jones", "McAllister", "García", "Brown", "Washington", "Lee"],
        phones: &["(512) 474-####", "+1 503 823 ####", "408.535.####"],
        domain: "com",
    },
    Country {
        code: "GB",
        name: "United Kingdom",
        cities: &["London", "Stoke-on-Trent", "Newcastle", "Bury St Edmunds", "Leeds"],
        first: &["Siân", "Oliver", "Priya", "Niamh", "George", "Zara", "Rhys", "Imogen"],
        last: &["Ap Rhys", "Brontë", "Clarke", "Fitzgerald", "O'Shea", "Patel", "Whyte", "St John"],
        phones: &["020 7946 0###", "+44 113 496 0###", "0161 496 0###"],
        domain: "co.uk",
    },
    Country {
        code: "BR",
        name: "Brazil",
        cities: &["São Paulo", "Brasília", "Florianópolis", "Maceió", "Goiânia"],
        first: &["João", "Antônia", "Luís", "Conceição", "Fábio", "Inês", "Cauã", "Lívia"],
        last: &["Gonçalves", "da Conceição", "Araújo", "Simões", "dos Santos", "Peçanha", "Galvão", "Assunção"],
        phones: &["(11) 3033-####", "+55 61 3363-####", "(48) 3251-####"],
        domain: "com.br",
    },
    Country {
        code: "PL",
        name: "Poland",
        cities: &["Łódź", "Kraków", "Wrocław", "Gdańsk", "Świdnica"],
        first: &["Łukasz", "Małgorzata", "Żaneta", "Paweł", "Agnieszka", "Grażyna", "Michał", "Zofia"],
        last: &["Wiśniewski", "Zając", "Kościelna", "Dąbrowski", "Żuraw", "Król", "Piątek", "Gołąb"],
        phones: &["22 628 ## ##", "+48 12 422 ## ##", "71 344 ## ##"],
        domain: "pl",
    },
    Country {
        code: "SE",
        name: "Sweden",
        cities: &["Malmö", "Göteborg", "Västerås", "Örebro", "Umeå"],
        first: &["Åsa", "Björn", "Märta", "Östen", "Linnéa", "Håkan", "Ebba", "Göran"],
        last: &["Åkesson", "Öberg", "Sjöström", "Lindqvist", "af Klint", "Hägg", "Nyström", "Björk"],
        phones: &["08-508 ### ##", "+46 31 365 ## ##", "040-34 ## ##"],
        domain: "se",
    },
];

/// First words of company names.
pub(super) const COMPANY_FIRST: [&str; 20] = [
    "Nordlicht",
    "Café",
    "Blue Harbor",
    "Åland",
    "Quantum",
    "Étoile",
    "Granite",
    "Papaya",
    "Señal",
    "Tanager",
    "Umbra",
    "Violet",
    "Wattle",
    "Xylem",
    "Yarrow",
    "Zephyr",
    "Kestrel",
    "Lumen",
    "Maçã",
    "Orbit",
];

/// Second words of company names.
pub(super) const COMPANY_SECOND: [&str; 16] = [
    "Logistics",
    "Software",
    "Energy",
    "Foods",
    "Health",
    "Analytics",
    "Robotics",
    "Média",
    "Studios",
    "Partners",
    "Werke",
    "Systems",
    "Travel",
    "Optics",
    "Textiles",
    "Labs",
];

/// Industries as the database has them.
pub(super) const INDUSTRIES: [&str; 6] = ["software", "logistics", "food", "health", "retail", "media"];

/// Jobs as the database has them.
pub(super) const ROLES: [&str; 7] =
    ["admin", "developer", "accountant", "head of sales", "support agent", "founder", "analyst"];

/// Phone numbers that are none.
pub(super) const BAD_PHONES: [&str; 5] = ["n/a", "12", "call the office", "+99 000 000", "0000000000000000"];

/// E-mail addresses that are none.
pub(super) const BAD_EMAILS: [&str; 4] = ["anna@", "kein-e-mail", "two@@signs.example", "info@localhost"];
