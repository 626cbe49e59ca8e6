"""The pocket Step-Audio-EditX: how it is made, from speech that espeak-ng synthesises."""
