-- Which providers have certainly refused the mail, and until when none of them is asked again: {"resend": milliseconds}.
ALTER TABLE outbox ADD COLUMN refused TEXT;
