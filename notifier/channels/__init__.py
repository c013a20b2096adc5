"""The roads by which a message reaches a person: the page, e-mail, SMS."""
