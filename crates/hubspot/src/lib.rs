//! Knows what HubSpot is: calls as data, batch twins, limits, error envelopes. Pure.
