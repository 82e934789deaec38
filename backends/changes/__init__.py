"""What every change passes: the door, arming, the audit, and who asks for it."""
