//! Ingresses; completion.md §4.13. They are complete when they are stored: who serves them may never give an address.

use crate::gate::Judgement;
use crate::gate::verdict::Verdict;

pub(super) fn judge() -> Judgement {
    Verdict::Complete.into()
}
