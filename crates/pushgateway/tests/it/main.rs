//! The pushgateway as its clients see it.

mod pushes;
mod python;
