//! Slack's answers.
