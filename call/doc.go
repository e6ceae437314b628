// Package call is the domain: what may happen to a conference, and what has.
//
// There is one way to change anything. A [Rule] looks at a [Case] (one conference with its seller
// and buyer) and a time, and returns the events to append or an error. The log is the truth;
// [Conference], [Seller] and [Buyer] are folds of it. Rules know no clock, store or socket.
// Effects are caused by a [Follower] that reads the log from a durable cursor.
//
// The stories in testdata/call are the specification, readable by people who do not program.
package call
