package signaling

import (
	"showroom/call"
)

// answer is what a participant's app says, in the log's words.
func (b *consentBody) answer(participant, address string) (call.Consented, error) {
	if b.Accepted == nil {
		return call.Consented{}, errBadMessage
	}
	return call.Consented{Participant: participant, Accepted: *b.Accepted, Text: b.Text, Version: b.Version, Language: b.Language, Address: address}.Whole(), nil
}

// consentAhead keeps the answer that comes with a join, so that the log has it before anything is decided by it.
func (c *conference) consentAhead(pass call.Pass, body *consentBody, address string) error {
	if body == nil {
		return nil
	}
	answer, err := body.answer(pass.Participant, address)
	if err != nil {
		return err
	}
	if err := c.apply(call.AgreeBy(pass.Link, answer)); err != nil {
		return err
	}
	delete(c.recording.refused, pass.Participant)
	return nil
}

// consent keeps the answer and tells everybody who is recorded now. Who takes consent back is not recorded from this moment on,
// whether or not the log can be written.
func (c *conference) consent(s *session, id requestID, body *consentBody) error {
	answer, err := body.answer(s.id, s.socket.address)
	if err != nil {
		return err
	}
	if last, ok := c.lastAnswer(s.id); !ok || last != answer {
		if !s.consents.AllowN(c.hub.now(), 1) && answer.Accepted {
			return refuse(codeTooMany, "Too many changes of mind. Wait a few seconds.")
		}
		c.recording.refused[s.id] = !answer.Accepted
		c.record()
		if err := c.apply(call.Agree(answer)); err != nil {
			return err
		}
	}
	delete(c.recording.refused, s.id)
	c.record()
	s.say(recordingMessage{reply("recording", id), c.recordingView()})
	if !c.inside(s.id) && !c.knocking(s.id) { // there is no call without
		c.dismiss(s, reasonNoConsent, nil)
	}
	return nil
}

func (c *conference) lastAnswer(participant string) (call.Consented, bool) {
	consents := c.state.Conference.Consents
	for i := len(consents) - 1; i >= 0; i-- {
		if consents[i].Participant == participant {
			return consents[i].Consented, true
		}
	}
	return call.Consented{}, false
}
