//! The standard object types beside the central ones, with their default properties.
//!
//! Again a working subset. Clients that read everything ask for the properties of all of them before they read one.
//! Source: HubSpot's documentation of each object; the type id of deal splits is in no document that we know.

use super::defaults::TypeRow;

const EMPTY: TypeRow = TypeRow {
    type_id: "",
    singular: "",
    plural: "",
    created: "hs_createdate",
    modified: "hs_lastmodifieddate",
    group: "",
    defaults: &[],
    searchable: &[],
    required: &[],
    rows: &[],
    choices: &[],
};

const QUOTES: TypeRow = TypeRow {
    type_id: "0-14",
    singular: "quote",
    plural: "quotes",
    group: "quoteinformation",
    defaults: &["hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"],
    searchable: &["hs_proposal_slug", "hs_title", "hs_quote_number", "hs_public_url_key"],
    required: &["hs_title", "hs_expiration_date"],
    rows: &[
        ("hs_title", "string/text", "Quote name"),
        ("hs_expiration_date", "datetime/date", "Expiration date"),
        ("hs_status", "enumeration/select", "Quote status"),
        ("hs_language", "enumeration/select", "Language"),
        ("hs_currency", "enumeration/select", "Currency"),
        ("hs_comments", "string/textarea", "Comments to buyer"),
        ("hs_terms", "string/textarea", "Purchase terms"),
        ("hs_proposal_slug", "string/text", "Slug"),
        ("hs_sender_firstname", "string/text", "Sender first name"),
        ("hs_sender_lastname", "string/text", "Sender last name"),
        ("hs_sender_email", "string/text", "Sender email"),
        ("hs_sender_company_name", "string/text", "Sender company name"),
        ("hs_public_url_key", "!string", "Public key"),
        ("hs_quote_number", "!string", "Quote number"),
        ("hs_quote_amount", "!number", "Quote amount"),
    ],
    choices: &[
        (
            "hs_status",
            &[
                ("DRAFT", "Draft"),
                ("APPROVAL_NOT_NEEDED", "No approval needed"),
                ("PENDING_APPROVAL", "Pending approval"),
                ("APPROVED", "Approved"),
                ("REJECTED", "Rejected"),
            ],
        ),
        ("hs_language", &[("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish")]),
        ("hs_currency", &[("USD", "US Dollar")]),
    ],
    ..EMPTY
};

const LEADS: TypeRow = TypeRow {
    type_id: "0-136",
    singular: "lead",
    plural: "leads",
    created: "createdate",
    group: "leadinformation",
    searchable: &["hs_lead_name"],
    required: &["hs_lead_name"],
    rows: &[
        ("hs_lead_name", "string/text", "Lead name"),
        ("hs_lead_type", "enumeration/select", "Lead type"),
        ("hs_lead_label", "enumeration/select", "Lead label"),
        ("hs_pipeline", "string/text", "Lead pipeline"),
        ("hs_pipeline_stage", "string/text", "Lead pipeline stage"),
    ],
    choices: &[
        ("hs_lead_type", &[("NEW_BUSINESS", "New business"), ("UPSELL", "Upsell"), ("RE_ATTEMPTING", "Re-attempting")]),
        ("hs_lead_label", &[("HOT", "Hot"), ("WARM", "Warm"), ("COLD", "Cold")]),
    ],
    ..EMPTY
};

const COMMUNICATIONS: TypeRow = TypeRow {
    type_id: "0-18",
    singular: "communication",
    plural: "communications",
    group: "engagement",
    searchable: &["hs_communication_body"],
    required: &["hs_communication_channel_type"],
    rows: &[
        ("hs_timestamp", "datetime/date", "Activity date"),
        ("hs_communication_channel_type", "enumeration/select", "Channel type"),
        ("hs_communication_logged_from", "string/text", "Logged from"),
        ("hs_communication_body", "string/html", "Communication body"),
    ],
    choices: &[(
        "hs_communication_channel_type",
        &[("WHATS_APP", "WhatsApp"), ("LINKEDIN_MESSAGE", "LinkedIn message"), ("SMS", "SMS")],
    )],
    ..EMPTY
};

const POSTAL_MAIL: TypeRow = TypeRow {
    type_id: "0-116",
    singular: "postal_mail",
    plural: "postal_mail",
    group: "engagement",
    searchable: &["hs_postal_mail_body"],
    required: &["hs_timestamp"],
    rows: &[
        ("hs_timestamp", "datetime/date", "Activity date"),
        ("hs_postal_mail_body", "string/html", "Postal mail body"),
    ],
    ..EMPTY
};

const FEEDBACK_SUBMISSIONS: TypeRow = TypeRow {
    type_id: "0-19",
    singular: "feedback_submission",
    plural: "feedback_submissions",
    group: "feedback_submission_information",
    searchable: &["hs_content"],
    rows: &[
        ("hs_survey_name", "!string", "Survey name"),
        ("hs_survey_type", "!string", "Survey type"),
        ("hs_survey_channel", "!string", "Survey channel"),
        ("hs_submission_timestamp", "!datetime", "Date submitted"),
        ("hs_content", "!string", "Response"),
        ("hs_response_group", "!string", "Sentiment"),
        ("hs_value", "!number", "Rating"),
    ],
    ..EMPTY
};

const GOAL_TARGETS: TypeRow = TypeRow {
    type_id: "0-74",
    singular: "goal_target",
    plural: "goal_targets",
    group: "goal_target_information",
    rows: &[
        ("hs_goal_name", "string/text", "Goal name"),
        ("hs_target_amount", "number/number", "Target amount"),
        ("hs_start_datetime", "datetime/date", "Start date"),
        ("hs_end_datetime", "datetime/date", "End date"),
    ],
    ..EMPTY
};

const DEAL_SPLITS: TypeRow = TypeRow {
    type_id: "0-72",
    singular: "deal_split",
    plural: "deal_splits",
    group: "deal_split_information",
    rows: &[
        ("hs_deal_split_percentage", "number/number", "Deal split percentage"),
        ("hs_deal_split_amount", "!number", "Deal split amount"),
    ],
    ..EMPTY
};

/// Forms have properties, but no records that calls about objects could read.
pub(super) const FORMS: TypeRow = TypeRow {
    type_id: "0-28",
    singular: "form",
    plural: "forms",
    group: "form_information",
    rows: &[
        ("hs_name", "!string", "Form name"),
        ("hs_form_type", "!string", "Form type"),
        ("hs_form_id", "!string", "Form ID"),
    ],
    ..EMPTY
};

/// In the order in which the catalog takes them.
pub(super) const FURTHER: &[TypeRow] =
    &[QUOTES, LEADS, COMMUNICATIONS, POSTAL_MAIL, FEEDBACK_SUBMISSIONS, GOAL_TARGETS, DEAL_SPLITS];
