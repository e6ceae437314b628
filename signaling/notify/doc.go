// Package notify tells the world what the log says: webhooks to the CRM's systems, and messages to buyers and sellers by e-mail and push.
//
// Everything here follows the log: what is to be told is an event first, so a crash, a broken network or a restart loses nothing, and
// what is told may be told twice.
//
// Goroutines. [Webhooks.Run] is one that keeps a worker for each webhook, and a worker has at most eight deliveries under way; [Webhooks.Run]
// ends and awaits all of them. A webhook's progress belongs to its worker and is in the store before anything is built on it.
package notify
