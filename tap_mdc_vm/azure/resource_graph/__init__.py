"""Reading Azure Resource Graph: completely, at the speed of its quota, and provably so."""
