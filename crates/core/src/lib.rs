//! Decides what Linchpin does next. Pure: told the time, rolls only the dice it is given.
