//! The standard object types with the properties that every new portal has, as one table.
//!
//! This is a working subset: the properties that integrations write and that HubSpot computes on create. A live
//! portal has several hundred on contacts and companies.
//! Source: HubSpot's documentation of the default properties of each object, and recorded create answers of 2025.

use std::collections::BTreeMap;

use super::catalog::ObjectType;
use super::further_types::FURTHER;
use super::property::{Choice, Property, PropertyTable, ValueType};
use super::record::Records;

/// Name, type with widget, and marks of a property, then its label.
///
/// The second word is `type` or `type/fieldType`; a leading `!` makes it read-only, a leading `@` refers to owners.
pub(super) type Row = (&'static str, &'static str, &'static str);

/// Name of an enumeration property, then its values with labels.
pub(super) type Choices = (&'static str, &'static [(&'static str, &'static str)]);

/// One object type.
pub(super) struct TypeRow {
    pub(super) type_id: &'static str,
    pub(super) singular: &'static str,
    pub(super) plural: &'static str,
    pub(super) created: &'static str,
    pub(super) modified: &'static str,
    pub(super) group: &'static str,
    pub(super) defaults: &'static [&'static str],
    pub(super) searchable: &'static [&'static str],
    pub(super) required: &'static [&'static str],
    pub(super) rows: &'static [Row],
    pub(super) choices: &'static [Choices],
}

/// Rows that every standard type has.
const COMMON: &[Row] = &[
    ("hs_object_source", "!string", "Record source"),
    ("hs_object_source_id", "!string", "Record source ID"),
    ("hs_object_source_label", "!string", "Record source label"),
    ("hs_merged_object_ids", "!string", "Merged record IDs"),
    ("hs_unique_creation_key", "!string", "Unique creation key"),
    ("hubspot_owner_id", "@enumeration/select", "Owner"),
    ("hubspot_team_id", "!string", "Team"),
    ("hs_created_by_user_id", "!number", "Created by user ID"),
    ("hs_updated_by_user_id", "!number", "Updated by user ID"),
];

const LIFECYCLE: &[(&str, &str)] = &[
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

const LEAD_STATUS: &[(&str, &str)] = &[
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad Timing"),
];

const CONTACT_ROWS: &[Row] = &[
    ("email", "string/text", "Email"),
    ("firstname", "string/text", "First Name"),
    ("lastname", "string/text", "Last Name"),
    ("phone", "string/phonenumber", "Phone Number"),
    ("mobilephone", "string/phonenumber", "Mobile Phone Number"),
    ("fax", "string/text", "Fax Number"),
    ("company", "string/text", "Company Name"),
    ("jobtitle", "string/text", "Job Title"),
    ("address", "string/text", "Street Address"),
    ("city", "string/text", "City"),
    ("state", "string/text", "State/Region"),
    ("zip", "string/text", "Postal Code"),
    ("country", "string/text", "Country/Region"),
    ("website", "string/text", "Website URL"),
    ("industry", "string/text", "Industry"),
    ("annualrevenue", "string/text", "Annual Revenue"),
    ("numemployees", "enumeration/radio", "Number of Employees"),
    ("salutation", "string/text", "Salutation"),
    ("date_of_birth", "string/text", "Date of birth"),
    ("gender", "string/text", "Gender"),
    ("message", "string/textarea", "Message"),
    ("closedate", "datetime/date", "Close Date"),
    ("lifecyclestage", "enumeration/radio", "Lifecycle Stage"),
    ("hs_lead_status", "enumeration/radio", "Lead Status"),
    ("hs_persona", "string/text", "Persona"),
    ("hs_additional_emails", "!string", "Additional email addresses"),
    ("hs_all_contact_vids", "!string", "All vids for a contact"),
    ("hs_calculated_merged_vids", "!string", "Merged vids with timestamps"),
    ("hs_email_domain", "!string", "Email Domain"),
    ("hs_full_name_or_email", "!string", "Full name or email"),
    ("hs_is_contact", "!bool", "Is a contact"),
    ("hs_is_unworked", "!bool", "Contact unworked"),
    ("hs_lifecyclestage_lead_date", "!datetime", "Date entered \"Lead\""),
    ("hs_lifecyclestage_customer_date", "!datetime", "Date entered \"Customer\""),
    ("hs_marketable_status", "!string", "Marketing contact status"),
    ("hs_marketable_until_renewal", "!string", "Marketing contact until next update"),
    ("hs_analytics_source", "!string", "Original Traffic Source"),
    ("hs_latest_source", "!string", "Latest Traffic Source"),
    ("hs_pipeline", "string/text", "Pipeline"),
    ("hs_searchable_calculated_phone_number", "!string", "Calculated Phone Number"),
    ("associatedcompanyid", "!number", "Primary Associated Company ID"),
    ("num_associated_deals", "!number", "Number of Associated Deals"),
    ("num_notes", "!number", "Number of Sales Activities"),
    ("hs_num_open_deals", "!number", "Number of open deals"),
    ("total_revenue", "!number", "Total Revenue"),
    ("recent_deal_amount", "!number", "Recent Deal Amount"),
    ("recent_deal_close_date", "!datetime", "Recent Deal Close Date"),
    ("first_deal_created_date", "!datetime", "First Deal Created Date"),
    ("hs_lifecyclestage_subscriber_date", "!datetime", "Date entered \"Subscriber\""),
    ("hs_lifecyclestage_marketingqualifiedlead_date", "!datetime", "Date entered \"Marketing Qualified Lead\""),
    ("hs_lifecyclestage_salesqualifiedlead_date", "!datetime", "Date entered \"Sales Qualified Lead\""),
    ("hs_lifecyclestage_opportunity_date", "!datetime", "Date entered \"Opportunity\""),
    ("hs_lifecyclestage_evangelist_date", "!datetime", "Date entered \"Evangelist\""),
    ("hs_lifecyclestage_other_date", "!datetime", "Date entered \"Other\""),
];

const CONTACTS: TypeRow = TypeRow {
    type_id: "0-1",
    singular: "contact",
    plural: "contacts",
    created: "createdate",
    modified: "lastmodifieddate",
    group: "contactinformation",
    defaults: &["email", "firstname", "lastname"],
    searchable: &[
        "firstname",
        "lastname",
        "email",
        "phone",
        "hs_additional_emails",
        "fax",
        "mobilephone",
        "company",
        "hs_marketable_until_renewal",
    ],
    required: &[],
    rows: CONTACT_ROWS,
    choices: &[
        ("lifecyclestage", LIFECYCLE),
        ("hs_lead_status", LEAD_STATUS),
        (
            "numemployees",
            &[
                ("1-5", "1-5"),
                ("5-25", "5-25"),
                ("25-50", "25-50"),
                ("50-100", "50-100"),
                ("100-500", "100-500"),
                ("500-1000", "500-1000"),
                ("1000+", "1000+"),
            ],
        ),
    ],
};

const COMPANY_ROWS: &[Row] = &[
    ("name", "string/text", "Company name"),
    ("domain", "string/text", "Company Domain Name"),
    ("website", "string/text", "Website URL"),
    ("phone", "string/phonenumber", "Phone Number"),
    ("address", "string/text", "Street Address"),
    ("address2", "string/text", "Street Address 2"),
    ("city", "string/text", "City"),
    ("state", "string/text", "State/Region"),
    ("zip", "string/text", "Postal Code"),
    ("country", "string/text", "Country/Region"),
    ("industry", "enumeration/select", "Industry"),
    ("type", "enumeration/radio", "Type"),
    ("description", "string/textarea", "Description"),
    ("about_us", "string/textarea", "About Us"),
    ("numberofemployees", "number/number", "Number of Employees"),
    ("annualrevenue", "number/number", "Annual Revenue"),
    ("founded_year", "string/text", "Year Founded"),
    ("is_public", "bool/booleancheckbox", "Is Public"),
    ("timezone", "string/text", "Time Zone"),
    ("linkedin_company_page", "string/text", "LinkedIn Company Page"),
    ("facebook_company_page", "string/text", "Facebook Company Page"),
    ("twitterhandle", "string/text", "Twitter Handle"),
    ("closedate", "datetime/date", "Close Date"),
    ("lifecyclestage", "enumeration/radio", "Lifecycle Stage"),
    ("hs_lead_status", "enumeration/radio", "Lead Status"),
    ("hs_additional_domains", "string/textarea", "Additional Domains"),
    ("hs_pipeline", "string/text", "Pipeline"),
    ("hs_lifecyclestage_lead_date", "!datetime", "Date entered \"Lead\""),
    ("hs_lifecyclestage_customer_date", "!datetime", "Date entered \"Customer\""),
    ("hs_analytics_source", "!string", "Original Traffic Source"),
    ("hs_parent_company_id", "!number", "Parent Company"),
    ("num_associated_contacts", "!number", "Number of Associated Contacts"),
    ("num_associated_deals", "!number", "Number of Associated Deals"),
    ("num_notes", "!number", "Number of Sales Activities"),
    ("hs_num_child_companies", "!number", "Number of child companies"),
    ("hs_num_open_deals", "!number", "Number of open deals"),
    ("total_revenue", "!number", "Total Revenue"),
    ("recent_deal_amount", "!number", "Recent Deal Amount"),
    ("recent_deal_close_date", "!datetime", "Recent Deal Close Date"),
    ("first_deal_created_date", "!datetime", "First Deal Created Date"),
    ("hs_lifecyclestage_subscriber_date", "!datetime", "Date entered \"Subscriber\""),
    ("hs_lifecyclestage_marketingqualifiedlead_date", "!datetime", "Date entered \"Marketing Qualified Lead\""),
    ("hs_lifecyclestage_salesqualifiedlead_date", "!datetime", "Date entered \"Sales Qualified Lead\""),
    ("hs_lifecyclestage_opportunity_date", "!datetime", "Date entered \"Opportunity\""),
    ("hs_lifecyclestage_evangelist_date", "!datetime", "Date entered \"Evangelist\""),
    ("hs_lifecyclestage_other_date", "!datetime", "Date entered \"Other\""),
];

const INDUSTRIES: &[(&str, &str)] = &[
    ("ACCOUNTING", "Accounting"),
    ("AUTOMOTIVE", "Automotive"),
    ("BANKING", "Banking"),
    ("BIOTECHNOLOGY", "Biotechnology"),
    ("COMPUTER_SOFTWARE", "Computer Software"),
    ("CONSTRUCTION", "Construction"),
    ("CONSUMER_GOODS", "Consumer Goods"),
    ("EDUCATION_MANAGEMENT", "Education Management"),
    ("ENTERTAINMENT", "Entertainment"),
    ("FINANCIAL_SERVICES", "Financial Services"),
    ("FOOD_BEVERAGES", "Food & Beverages"),
    ("HOSPITAL_HEALTH_CARE", "Hospital & Health Care"),
    ("INFORMATION_TECHNOLOGY_AND_SERVICES", "Information Technology and Services"),
    ("INSURANCE", "Insurance"),
    ("INTERNET", "Internet"),
    ("LOGISTICS_AND_SUPPLY_CHAIN", "Logistics and Supply Chain"),
    ("MANAGEMENT_CONSULTING", "Management Consulting"),
    ("MARKETING_AND_ADVERTISING", "Marketing and Advertising"),
    ("MEDIA_PRODUCTION", "Media Production"),
    ("MUSIC", "Music"),
    ("REAL_ESTATE", "Real Estate"),
    ("RETAIL", "Retail"),
    ("TELECOMMUNICATIONS", "Telecommunications"),
];

const COMPANIES: TypeRow = TypeRow {
    type_id: "0-2",
    singular: "company",
    plural: "companies",
    created: "createdate",
    modified: "hs_lastmodifieddate",
    group: "companyinformation",
    defaults: &["name", "domain"],
    searchable: &["website", "phone", "name", "domain"],
    required: &[],
    rows: COMPANY_ROWS,
    choices: &[
        ("lifecyclestage", LIFECYCLE),
        ("hs_lead_status", LEAD_STATUS),
        ("industry", INDUSTRIES),
        (
            "type",
            &[
                ("PROSPECT", "Prospect"),
                ("PARTNER", "Partner"),
                ("RESELLER", "Reseller"),
                ("VENDOR", "Vendor"),
                ("OTHER", "Other"),
            ],
        ),
    ],
};

const DEALS: TypeRow = TypeRow {
    type_id: "0-3",
    singular: "deal",
    plural: "deals",
    created: "createdate",
    modified: "hs_lastmodifieddate",
    group: "dealinformation",
    defaults: &["dealname", "amount", "closedate", "pipeline", "dealstage"],
    searchable: &["dealname", "pipeline", "dealstage", "description", "dealtype"],
    required: &[],
    rows: &[
        ("dealname", "string/text", "Deal Name"),
        ("amount", "number/number", "Amount"),
        ("closedate", "datetime/date", "Close Date"),
        ("dealstage", "enumeration/radio", "Deal Stage"),
        ("pipeline", "enumeration/select", "Pipeline"),
        ("dealtype", "enumeration/radio", "Deal Type"),
        ("description", "string/textarea", "Deal Description"),
        ("hs_priority", "enumeration/select", "Priority"),
        ("hs_next_step", "string/text", "Next step"),
        ("closed_lost_reason", "string/textarea", "Closed Lost Reason"),
        ("closed_won_reason", "string/textarea", "Closed Won Reason"),
        ("deal_currency_code", "enumeration/select", "Currency"),
        ("hs_acv", "number/number", "Annual contract value"),
        ("hs_arr", "number/number", "Annual recurring revenue"),
        ("hs_mrr", "number/number", "Monthly recurring revenue"),
        ("hs_tcv", "number/number", "Total contract value"),
        ("amount_in_home_currency", "!number", "Amount in company currency"),
        ("days_to_close", "!number", "Days to close"),
        ("hs_closed_amount", "!number", "Closed Deal Amount"),
        ("hs_closed_amount_in_home_currency", "!number", "Closed Deal Amount In Home Currency"),
        ("hs_deal_stage_probability", "!number", "Deal probability"),
        ("hs_is_closed", "!bool", "Is Deal Closed?"),
        ("hs_is_closed_won", "!bool", "Is Closed Won"),
        ("hs_projected_amount", "!number", "Weighted amount"),
        ("num_associated_contacts", "!number", "Number of Associated Contacts"),
        ("num_notes", "!number", "Number of Sales Activities"),
    ],
    choices: &[
        ("dealtype", &[("newbusiness", "New Business"), ("existingbusiness", "Existing Business")]),
        ("hs_priority", &[("low", "Low"), ("medium", "Medium"), ("high", "High")]),
        ("deal_currency_code", &[("USD", "US Dollar")]),
    ],
};

const TICKETS: TypeRow = TypeRow {
    type_id: "0-5",
    singular: "ticket",
    plural: "tickets",
    created: "createdate",
    modified: "hs_lastmodifieddate",
    group: "ticketinformation",
    defaults: &["content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"],
    searchable: &["subject", "content", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_id"],
    required: &["subject", "hs_pipeline_stage"],
    rows: &[
        ("subject", "string/text", "Ticket name"),
        ("content", "string/textarea", "Ticket description"),
        ("hs_pipeline", "enumeration/select", "Pipeline"),
        ("hs_pipeline_stage", "enumeration/radio", "Ticket status"),
        ("hs_ticket_priority", "enumeration/select", "Priority"),
        ("hs_ticket_category", "enumeration/checkbox", "Category"),
        ("source_type", "enumeration/select", "Source"),
        ("hs_ticket_id", "!number", "Ticket ID"),
        ("closed_date", "!datetime", "Close date"),
    ],
    choices: &[
        ("hs_ticket_priority", &[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"), ("URGENT", "Urgent")]),
        (
            "hs_ticket_category",
            &[
                ("PRODUCT_ISSUE", "Product issue"),
                ("BILLING_ISSUE", "Billing issue"),
                ("FEATURE_REQUEST", "Feature request"),
                ("GENERAL_INQUIRY", "General inquiry"),
            ],
        ),
        ("source_type", &[("CHAT", "Chat"), ("EMAIL", "Email"), ("FORM", "Form"), ("PHONE", "Phone")]),
    ],
};

const BILLING: &[(&str, &str)] = &[
    ("weekly", "Weekly"),
    ("biweekly", "Every two weeks"),
    ("monthly", "Monthly"),
    ("quarterly", "Quarterly"),
    ("per_six_months", "Semi-annually"),
    ("annually", "Annually"),
    ("per_two_years", "Every two years"),
    ("per_three_years", "Every three years"),
];

const PRODUCTS: TypeRow = TypeRow {
    type_id: "0-7",
    singular: "product",
    plural: "products",
    created: "createdate",
    modified: "hs_lastmodifieddate",
    group: "productinformation",
    defaults: &["name", "description", "price"],
    searchable: &["name", "description", "price", "hs_sku"],
    required: &[],
    rows: &[
        ("name", "string/text", "Name"),
        ("description", "string/textarea", "Product description"),
        ("price", "number/number", "Unit price"),
        ("hs_sku", "string/text", "SKU"),
        ("hs_cost_of_goods_sold", "number/number", "Unit cost"),
        ("hs_product_type", "enumeration/select", "Product Type"),
        ("hs_url", "string/text", "URL"),
        ("hs_images", "string/text", "Image URL"),
        ("hs_status", "enumeration/select", "Status"),
        ("hs_folder_name", "!string", "Folder name"),
        ("recurringbillingfrequency", "enumeration/select", "Billing frequency"),
        ("hs_recurring_billing_period", "string/text", "Term"),
        ("tax", "number/number", "Tax"),
        ("amount", "!number", "Amount"),
    ],
    choices: &[
        ("hs_product_type", &[("inventory", "Inventory"), ("non_inventory", "Non-inventory"), ("service", "Service")]),
        ("hs_status", &[("active", "Active"), ("inactive", "Inactive")]),
        ("recurringbillingfrequency", BILLING),
    ],
};

const LINE_ITEMS: TypeRow = TypeRow {
    type_id: "0-8",
    singular: "line_item",
    plural: "line_items",
    created: "createdate",
    modified: "hs_lastmodifieddate",
    group: "lineiteminformation",
    defaults: &["quantity", "amount", "price"],
    searchable: &[],
    required: &[],
    rows: &[
        ("name", "string/text", "Name"),
        ("description", "string/textarea", "Description"),
        ("quantity", "number/number", "Quantity"),
        ("price", "number/number", "Unit price"),
        ("discount", "number/number", "Unit discount"),
        ("hs_discount_percentage", "number/number", "Discount Percentage"),
        ("hs_product_id", "number/number", "Product ID"),
        ("hs_sku", "string/text", "SKU"),
        ("hs_cost_of_goods_sold", "number/number", "Unit cost"),
        ("hs_line_item_currency_code", "enumeration/select", "Currency"),
        ("hs_position_on_quote", "number/number", "Position on quote"),
        ("hs_recurring_billing_start_date", "date/date", "Start date"),
        ("hs_recurring_billing_period", "string/text", "Term"),
        ("recurringbillingfrequency", "enumeration/select", "Billing frequency"),
        ("tax", "number/number", "Tax"),
        ("amount", "!number", "Net price"),
        ("hs_pre_discount_amount", "!number", "Pre discount amount"),
    ],
    choices: &[("recurringbillingfrequency", BILLING), ("hs_line_item_currency_code", &[("USD", "US Dollar")])],
};

const fn activity(
    type_id: &'static str,
    singular: &'static str,
    plural: &'static str,
    required: &'static [&'static str],
    rows: &'static [Row],
) -> TypeRow {
    TypeRow {
        type_id,
        singular,
        plural,
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        group: "engagement",
        defaults: &[],
        searchable: &[],
        required,
        rows,
        choices: &[],
    }
}

const TASK_STATUS: &[(&str, &str)] = &[
    ("NOT_STARTED", "Not started"),
    ("IN_PROGRESS", "In progress"),
    ("WAITING", "Waiting"),
    ("DEFERRED", "Deferred"),
    ("COMPLETED", "Completed"),
];

const TASK_PRIORITY: &[(&str, &str)] = &[("NONE", "None"), ("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")];
const TASK_TYPE: &[(&str, &str)] = &[("TODO", "To-do"), ("CALL", "Call"), ("EMAIL", "Email")];

const ACTIVITIES: &[TypeRow] = &[
    activity(
        "0-46",
        "note",
        "notes",
        &["hs_timestamp"],
        &[("hs_timestamp", "datetime/date", "Activity date"), ("hs_note_body", "string/html", "Note body")],
    ),
    TypeRow {
        choices: &[("hs_task_status", TASK_STATUS), ("hs_task_priority", TASK_PRIORITY), ("hs_task_type", TASK_TYPE)],
        ..activity(
            "0-27",
            "task",
            "tasks",
            &["hs_timestamp"],
            &[
                ("hs_timestamp", "datetime/date", "Due date"),
                ("hs_task_subject", "string/text", "Task title"),
                ("hs_task_body", "string/html", "Notes"),
                ("hs_task_status", "enumeration/radio", "Task status"),
                ("hs_task_priority", "enumeration/select", "Priority"),
                ("hs_task_type", "enumeration/radio", "Task type"),
                ("hs_task_for_object_type", "string/text", "Task for object type"),
                ("hs_task_is_completed", "!number", "Is completed"),
            ],
        )
    },
    activity(
        "0-47",
        "meeting",
        "meetings",
        &["hs_timestamp"],
        &[
            ("hs_timestamp", "datetime/date", "Activity date"),
            ("hs_meeting_title", "string/text", "Meeting name"),
            ("hs_meeting_body", "string/html", "Meeting description"),
        ],
    ),
    activity(
        "0-48",
        "call",
        "calls",
        &["hs_timestamp"],
        &[
            ("hs_timestamp", "datetime/date", "Activity date"),
            ("hs_call_title", "string/text", "Call title"),
            ("hs_call_body", "string/html", "Call notes"),
        ],
    ),
    activity(
        "0-49",
        "email",
        "emails",
        &["hs_timestamp"],
        &[
            ("hs_timestamp", "datetime/date", "Activity date"),
            ("hs_email_subject", "string/text", "Email subject"),
            ("hs_email_text", "string/textarea", "Text body"),
        ],
    ),
];

/// The standard types in the order of the constants in `catalog`.
pub(super) fn object_types() -> Vec<ObjectType> {
    [CONTACTS, COMPANIES, DEALS, TICKETS, PRODUCTS, LINE_ITEMS]
        .iter()
        .chain(ACTIVITIES)
        .chain(FURTHER)
        .map(build)
        .collect()
}

/// An object type with its default properties and no records.
pub(super) fn build(row: &TypeRow) -> ObjectType {
    let mut object_type = ObjectType {
        type_id: row.type_id.to_owned(),
        singular: row.singular.to_owned(),
        plural: row.plural.to_owned(),
        shout: row.singular.to_ascii_uppercase(),
        properties: PropertyTable::default(),
        groups: BTreeMap::new(),
        records: Records::default(),
        default_names: owned(row.defaults),
        searchable_names: owned(row.searchable),
        required_names: owned(row.required),
        custom: None,
    };
    for property in bookkeeping(row.created, row.modified, row.group) {
        object_type.define(property);
    }
    for (name, kind, label) in row.rows.iter().chain(COMMON) {
        let mut property = from_row(name, kind, label, row.group);
        if let Some((_, choices)) = row.choices.iter().find(|(of, _)| of == name) {
            property.choices = choices_of(choices);
        }
        object_type.define(property);
    }
    object_type
}

/// The three properties that every type has at the first places of its table.
pub(super) fn bookkeeping(created: &str, modified: &str, group: &str) -> Vec<Property> {
    vec![
        from_row("hs_object_id", "!number", "Record ID", group),
        from_row(created, "!datetime", "Create Date", group),
        from_row(modified, "!datetime", "Last Modified Date", group),
    ]
}

/// The properties that a custom object gets beside its own.
pub(super) fn custom_common(group: &str) -> Vec<Property> {
    COMMON.iter().map(|(name, kind, label)| from_row(name, kind, label, group)).collect()
}

fn from_row(name: &str, kind: &str, label: &str, group: &str) -> Property {
    let read_only = kind.starts_with('!');
    let owner = kind.starts_with('@');
    let plain = kind.trim_start_matches(['!', '@']);
    let (value_type, field_type) = plain.split_once('/').unwrap_or((plain, ""));
    let value_type = ValueType::parse(value_type).unwrap_or(ValueType::String);
    let field_type = match (field_type, value_type) {
        ("", ValueType::Number) => "number",
        ("", ValueType::Bool) => "booleancheckbox",
        ("", ValueType::Date | ValueType::DateTime) => "date",
        ("", ValueType::String | ValueType::Enumeration | ValueType::Phone | ValueType::Json) => "text",
        (given, _) => given,
    };
    let mut property = Property::standard(name, label, value_type, field_type, group);
    property.read_only_value = read_only;
    property.form_field = !read_only && !owner;
    if owner {
        property.external_options = true;
        property.referenced_type = Some("OWNER".to_owned());
    }
    if value_type == ValueType::Bool {
        property.choices = choices_of(&[("true", "Yes"), ("false", "No")]);
    }
    property
}

fn choices_of(rows: &[(&str, &str)]) -> Vec<Choice> {
    (0_i64..)
        .zip(rows)
        .map(|(display_order, (value, label))| Choice {
            label: (*label).to_owned(),
            value: (*value).to_owned(),
            description: None,
            display_order,
            hidden: false,
        })
        .collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The label of a default group.
pub(super) fn group_label(name: &str) -> String {
    match name {
        "contactinformation" => "Contact information",
        "companyinformation" => "Company information",
        "dealinformation" => "Deal information",
        "ticketinformation" => "Ticket information",
        "productinformation" => "Product information",
        "lineiteminformation" => "Line item information",
        other => other,
    }
    .to_owned()
}
