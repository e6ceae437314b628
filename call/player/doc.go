// Package player has those who host a call's media. Native is our own media plane: it opens a room in the sfu and
// attaches the recorder to what is published there.
//
// Native owns one goroutine a report that the log could not take at once; Close waits for them.
// A Room's mutex guards its fields; it is held while the recorder is called, which never waits for the network, and never while
// the sfu or the log is.
package player
