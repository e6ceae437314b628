// Package store keeps the event log and its views in one sorted key-value map.
//
// There is one way to change anything: a rule takes a state and a time and returns events or an error; the events are
// appended, and the views they change are written in the same transaction. Changes run one after the other, so a rule
// always sees the state of the last commit. A rule is run once, inside the writing transaction; when it returns no
// events the transaction is given up, which costs no disk write.
//
// The log (ev) is the truth. Events are added and never change, with one exception: when a buyer's data is erased, what is personal in theirs is
// overwritten in place, see [Store.Anonymize]. Streams, views and lists are derived from it and [Store.Rebuild] makes them anew. Cursors, timers,
// API keys, users, sessions, secrets, webhooks, devices and remembered answers are not events and stand beside it.
//
//	ev/ seq                           an event, JSON
//	st/ stream 0 seq                  which events concern a stream; minutes concern the seller and the conference
//	co/ id   se/ id   bu/ id          views of a conference, a seller, a buyer, JSON
//	el/ owner 0 type 0 seq            events of a seller or buyer, of a type, and of both; of a conference only who did what with its recording
//	ci/ buyer 0 seller 0 state 0 start id  conferences by planned start: all, and by each of the three and all that go together
//	ri/ buyer 0 seller 0 state 0 recorded id  those that were recorded, by the recording's beginning and its state, in the same way
//	un/ id                            conferences that are under way, see [Store.Unfinished]
//	ta/ id                            conferences whose recording has something to be done for, see [Store.Tasks]
//	ka/ seller 0 finished id          conferences whose recording is kept, by their end
//	aw/ end id                        conferences that have not taken place, by their planned end, see [Store.Awaited]
//	mi/ seller 0 at id 0 message      messages to people by age: all, and of a seller
//	mo/ id                            conferences that have some which are to go out
//	ti/ id   tl/ at id                when somebody is to be told something next
//	si/ created id   bi/ seller 0 created id   sellers and buyers by age, buyers also those of a seller
//	sw/ 0 place 0 id   bw/ seller 0 place 0 id   the same by each place in their names and addresses from which a search finds them
//	er/ id                            buyers whose erasure was ordered and is not finished
//	cu/ name                          the cursor of a follower, 8 bytes
//	ki/ id                            an API key with the digests of its secrets, JSON
//	ke/ SHA-256                       which API key a secret opens, by the secret's digest, JSON
//	us/ id                            a user with the digest of their password, JSON
//	ui/ e-mail                        which user has an e-mail address
//	ul/ SHA-256                       whose password a one-time link sets, by the digest of its secret
//	ss/ user 0 id                     a session of a user with the digest of its secret, JSON
//	sx/ SHA-256                       which session a secret opens, JSON
//	sc/ name                          a secret of this installation, raw
//	an/ SHA-256   ax/ expiry SHA-256  an answer kept under an idempotency key, JSON, and when it may go
//	wh/ id                            a webhook and how far it was told, JSON
//	wa/ id 0 n                        its last attempts, JSON
//	de/ id                            a device that messages can be pushed to, JSON
//	di/ owner 0 created id            devices of a seller or a buyer by age
//	da/ SHA-256                       which device has an address, by the address's digest
//	format                            the version of this layout
//
// Numbers and times are written so that they sort (see keys.go). Lists are read by range, never whole.
//
// The package starts no goroutine. Its mutexes guard the channels of [Store.Appended] and the like and are never held over a
// call to the database; the database's own lock orders the writers.
package store
