//! The pages that a person sees: the consent, and what is wrong with the app's request.
//!
//! HubSpot's page is a program of its own; these say the same in plain HTML. Everything that comes from an address is
//! escaped.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::authorize::{Asked, Mistake};
use crate::wire::ApiAnswer;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}\
                     code{background:#8882;padding:.1rem .3rem}button{font:inherit;padding:.4rem 1rem;margin-right:.5rem}";

/// The consent page.
pub(super) fn consent(asked: &Asked<'_>, portals: &[u64]) -> ApiAnswer {
    let mut form = String::from("<form method=\"post\" action=\"/oauth/authorize\">\n");
    hidden(&mut form, "client_id", &asked.app.client_id);
    hidden(&mut form, "redirect_uri", &asked.redirect_uri);
    hidden(&mut form, "scope", &asked.scopes.join(" "));
    if let Some(state) = &asked.state {
        hidden(&mut form, "state", state);
    }
    if let Some(challenge) = &asked.challenge {
        hidden(&mut form, "code_challenge", challenge);
        hidden(&mut form, "code_challenge_method", "S256");
    }
    choose_portal(&mut form, asked.portal, portals);
    form.push_str("<ul>\n");
    for scope in &asked.scopes {
        put(&mut form, format_args!("<li><code>{}</code></li>\n", escape(scope)));
    }
    for scope in &asked.optional {
        let scope = escape(scope);
        put(
            &mut form,
            format_args!(
                "<li><label><input type=\"checkbox\" name=\"optional_scope\" value=\"{scope}\" checked> \
                 <code>{scope}</code>, optional: without it, as if the account lacked the product</label></li>\n"
            ),
        );
    }
    form.push_str(
        "</ul>\n<button name=\"decision\" value=\"approve\">Connect app</button>\
         <button name=\"decision\" value=\"refuse\">Cancel</button>\n</form>\n",
    );
    let (app, client) = (asked.app.app_id, escape(&asked.app.client_id));
    let back = escape(&asked.redirect_uri);
    let body = format!(
        "<h1>Connect app {app}</h1>\n<p>The app <code>{client}</code> asks for access to an account of this simulated \
         HubSpot. You will be sent back to <code>{back}</code>.</p>\n{form}"
    );
    document(200, "Connect app", &body)
}

/// The page of a request that cannot be granted.
pub(super) fn mistake(mistake: &Mistake) -> ApiAnswer {
    let why = escape(&mistake.to_string());
    document(
        400,
        "Authorization failed",
        &format!("<h1>Authorization failed</h1>\n<p>Authorization failed: {why}.</p>\n"),
    )
}

fn choose_portal(form: &mut String, chosen: Option<u64>, portals: &[u64]) {
    if let Some(portal) = chosen {
        hidden(form, "portal_id", &portal.to_string());
        put(form, format_args!("<p>Account <code>{portal}</code></p>\n"));
        return;
    }
    form.push_str("<p><label>Account <select name=\"portal_id\">");
    for portal in portals {
        put(form, format_args!("<option>{portal}</option>"));
    }
    form.push_str("</select></label></p>\n");
}

fn hidden(form: &mut String, name: &str, value: &str) {
    put(form, format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)));
}

fn put(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("invariant: writing to a String does not fail");
}

fn document(status: u16, title: &str, body: &str) -> ApiAnswer {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body>\n{body}</body>\n</html>\n"
    );
    let kind = HeaderValue::from_static("text/html;charset=utf-8");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
    ApiAnswer { status, headers, body: Bytes::from(page) }
}

/// Makes text harmless inside elements and quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
