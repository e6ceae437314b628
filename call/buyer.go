package call

// BuyerChanged replaces what is said of a buyer.
type BuyerChanged struct{ Contact }

// Type is the word the log has for it.
func (BuyerChanged) Type() string { return "buyer.changed" }

func init() { register[BuyerChanged]() }
