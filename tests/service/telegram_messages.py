"""
One message of every kind that python-telegram-bot knows, as Telegram would write it.

Source: Telegram's Bot API, the types named in `Message`; all values are made up.
"""

from __future__ import annotations

from typing import Any, Final

BOT: Final = {"id": 99, "is_bot": True, "first_name": "Line"}
OTHER: Final = {"id": 5550000009, "is_bot": False, "first_name": "Beto"}
CHANNEL: Final = {"id": -1001234567890, "type": "channel", "title": "News of the port"}
BEFORE: Final = {
    "message_id": 3,
    "date": 1900000000,
    "chat": {"id": 5123456789, "type": "private", "first_name": "Ana"},
    "text": "said before",
}


def make_file(name: str, **fields: Any) -> dict[str, Any]:
    """Make what Telegram tells of a file; *name* is in its ids."""
    return {
        "file_id": f"id-of-{name}",
        "file_unique_id": f"unique-{name}",
        "file_size": 1000,
        **fields,
    }


def make_photo(name: str) -> list[dict[str, Any]]:
    """Make a photo in three sizes."""
    return [
        make_file(f"{name}-{side}", width=side, height=side * 3 // 4) for side in (90, 320, 1280)
    ]


VIDEO: Final = {"width": 640, "height": 480, "duration": 3, "mime_type": "video/mp4"}
STICKER: Final = make_file(
    "sticker",
    width=512,
    height=512,
    is_animated=False,
    is_video=False,
    type="regular",
    emoji="🙂",
    thumbnail=make_file("sticker-thumbnail", width=1, height=1),
)
PLACE: Final = {"latitude": 19.43, "longitude": -99.13}
GIFT: Final = {"id": "gift-1", "sticker": STICKER, "star_count": 15}
UNIQUE_GIFT: Final = {
    "gift_id": "gift-2",
    "base_name": "Lamp",
    "name": "Lamp-1",
    "number": 1,
    "model": {"name": "Brass", "sticker": STICKER, "rarity_per_mille": 1},
    "symbol": {"name": "Moon", "sticker": STICKER, "rarity_per_mille": 1},
    "backdrop": {
        "name": "Night",
        "rarity_per_mille": 1,
        "colors": {"center_color": 1, "edge_color": 2, "symbol_color": 3, "text_color": 4},
    },
}
TASK: Final = {"id": 1, "text": "photograph the ledger"}
PRICE: Final = {"currency": "XTR", "amount": 5}

# Fields of each, by the name that the library gives to its kind.
MESSAGES: Final[dict[str, dict[str, Any]]] = {
    "animation": {
        "animation": make_file("animation", **VIDEO),
        "document": make_file("animation-again", mime_type="video/mp4"),
    },
    "audio": {
        "audio": make_file("audio", duration=9, mime_type="audio/mpeg", title="minutes"),
        "caption": "the meeting",
    },
    "boost_added": {"boost_added": {"boost_count": 1}},
    "business_connection_id": {"business_connection_id": "b-1", "text": "hola"},
    "channel_chat_created": {"channel_chat_created": True},
    "chat_background_set": {
        "chat_background_set": {
            "type": {
                "type": "fill",
                "fill": {"type": "solid", "color": 255},
                "dark_theme_dimming": 10,
            }
        }
    },
    "chat_owner_changed": {"chat_owner_changed": {"new_owner": OTHER}},
    "chat_owner_left": {"chat_owner_left": {"new_owner": OTHER}},
    "chat_shared": {"chat_shared": {"request_id": 1, "chat_id": -1007, "title": "Depot"}},
    "checklist": {"checklist": {"title": "to prove", "tasks": [TASK]}},
    "checklist_tasks_added": {"checklist_tasks_added": {"tasks": [TASK]}},
    "checklist_tasks_done": {"checklist_tasks_done": {"marked_as_done_task_ids": [1]}},
    "connected_website": {"connected_website": "example.org"},
    "contact": {"contact": {"first_name": "Beto", "phone_number": "+525598765432", "user_id": 77}},
    "delete_chat_photo": {"delete_chat_photo": True},
    "dice": {"dice": {"emoji": "🎲", "value": 3}},
    "direct_message_price_changed": {
        "direct_message_price_changed": {"are_direct_messages_enabled": True}
    },
    "document": {
        "document": make_file("document", mime_type="application/pdf"),
        "caption": "x" * 4096,
    },
    "effect_id": {"effect_id": "5104841245755180586", "text": "hola"},
    "forum_topic_created": {"forum_topic_created": {"name": "Pier 3", "icon_color": 1}},
    "forum_topic_closed": {"forum_topic_closed": {}},
    "forum_topic_edited": {"forum_topic_edited": {"name": "Pier 4"}},
    "forum_topic_reopened": {"forum_topic_reopened": {}},
    "game": {"game": {"title": "Chess", "description": "a game", "photo": make_photo("game")}},
    "general_forum_topic_hidden": {"general_forum_topic_hidden": {}},
    "general_forum_topic_unhidden": {"general_forum_topic_unhidden": {}},
    "gift": {"gift": {"gift": GIFT, "text": "for you"}},
    "gift_upgrade_sent": {"gift_upgrade_sent": {"gift": GIFT, "text": "for you"}},
    "giveaway": {
        "giveaway": {"chats": [CHANNEL], "winners_selection_date": 1900000000, "winner_count": 2}
    },
    "giveaway_created": {"giveaway_created": {"prize_star_count": 9}},
    "giveaway_winners": {
        "giveaway_winners": {
            "chat": CHANNEL,
            "giveaway_message_id": 5,
            "winners_selection_date": 1900000000,
            "winner_count": 1,
            "winners": [OTHER],
        }
    },
    "giveaway_completed": {"giveaway_completed": {"winner_count": 1}},
    "group_chat_created": {"group_chat_created": True},
    "invoice": {
        "invoice": {
            "title": "Bill",
            "description": "of the depot",
            "start_parameter": "s",
            "currency": "MXN",
            "total_amount": 100,
        }
    },
    "left_chat_member": {"left_chat_member": OTHER},
    "live_photo": {
        "live_photo": make_file("live", **VIDEO, photo=make_photo("still")),
        "photo": make_photo("still"),
        "caption": "it moves",
    },
    "location": {"location": PLACE},
    "managed_bot_created": {"managed_bot_created": {"bot": BOT}},
    "message_auto_delete_timer_changed": {
        "message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}
    },
    "migrate_to_chat_id": {"migrate_to_chat_id": -1001},
    "new_chat_members": {"new_chat_members": [OTHER]},
    "new_chat_title": {"new_chat_title": "Port"},
    "new_chat_photo": {"new_chat_photo": make_photo("chat")},
    "paid_media": {
        "paid_media": {
            "star_count": 1,
            "paid_media": [
                {"type": "photo", "photo": make_photo("paid")},
                {"type": "video", "video": make_file("paid-video", **VIDEO)},
                {"type": "preview", "width": 1, "height": 1, "duration": 1},
            ],
        },
        "caption": "worth it",
    },
    "paid_message_price_changed": {"paid_message_price_changed": {"paid_message_star_count": 3}},
    "poll_option_added": {
        "poll_option_added": {"option_persistent_id": "o-1", "option_text": "both"}
    },
    "poll_option_deleted": {
        "poll_option_deleted": {"option_persistent_id": "o-1", "option_text": "both"}
    },
    "suggested_post_approval_failed": {"suggested_post_approval_failed": {"price": PRICE}},
    "suggested_post_approved": {"suggested_post_approved": {"send_date": 1900000000}},
    "suggested_post_declined": {"suggested_post_declined": {"comment": "no room"}},
    "suggested_post_info": {"suggested_post_info": {"state": "pending"}, "text": "hola"},
    "suggested_post_paid": {"suggested_post_paid": {"currency": "XTR", "amount": 5}},
    "suggested_post_refunded": {"suggested_post_refunded": {"reason": "post_deleted"}},
    "passport_data": {
        "passport_data": {
            "data": [
                {
                    "type": "passport",
                    "hash": "h-1",
                    "front_side": make_file("passport", file_date=1900000000),
                }
            ],
            "credentials": {"data": "c-1", "hash": "h-2", "secret": "s-1"},
        }
    },
    "photo": {"photo": make_photo("photo"), "caption": "aquí", "media_group_id": "album-7"},
    "pinned_message": {"pinned_message": BEFORE},
    "poll": {
        "poll": {
            "id": "p-1",
            "question": "who signed?",
            "options": [{"text": "the mayor", "voter_count": 0, "persistent_id": "o-2"}],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": False,
            "members_only": False,
            "media": {"photo": make_photo("poll")},
        }
    },
    "proximity_alert_triggered": {
        "proximity_alert_triggered": {"traveler": OTHER, "watcher": BOT, "distance": 12}
    },
    "refunded_payment": {
        "refunded_payment": {
            "currency": "XTR",
            "total_amount": 1,
            "invoice_payload": "load",
            "telegram_payment_charge_id": "t-1",
        }
    },
    "reply_to_story": {"reply_to_story": {"chat": CHANNEL, "id": 4}, "text": "this is a lie"},
    "sender_boost_count": {"sender_boost_count": 2, "text": "hola"},
    "sender_business_bot": {"sender_business_bot": BOT, "text": "hola"},
    "sticker": {"sticker": STICKER},
    "story": {"story": {"chat": CHANNEL, "id": 4}},
    "supergroup_chat_created": {"supergroup_chat_created": True},
    "successful_payment": {
        "successful_payment": {
            "currency": "XTR",
            "total_amount": 1,
            "invoice_payload": "load",
            "telegram_payment_charge_id": "t-1",
            "provider_payment_charge_id": "p-2",
        }
    },
    "text": {
        "text": "the ledger is here, ask him; ñ 😀\n" + "x" * 4000,
        "entities": [
            {"type": "text_link", "offset": 14, "length": 4, "url": "https://example.org/ledger"},
            {"type": "text_mention", "offset": 24, "length": 3, "user": OTHER},
        ],
        "forward_origin": {"type": "user", "sender_user": OTHER, "date": 1900000000},
    },
    "unique_gift": {"unique_gift": {"gift": UNIQUE_GIFT, "origin": "transfer"}},
    "users_shared": {
        "users_shared": {
            "request_id": 1,
            "users": [{"user_id": 77, "first_name": "Beto", "photo": make_photo("shared")}],
        }
    },
    "venue": {
        "venue": {"location": PLACE, "title": "Pier 3", "address": "Calle Mayor 1"},
        "location": PLACE,
    },
    "video": {
        "video": make_file(
            "video",
            **VIDEO,
            thumbnail=make_file("video-thumbnail", width=1, height=1),
            cover=make_photo("video-cover"),
        ),
        "caption": "look",
    },
    "video_chat_scheduled": {"video_chat_scheduled": {"start_date": 1900000000}},
    "video_chat_started": {"video_chat_started": {}},
    "video_chat_ended": {"video_chat_ended": {"duration": 60}},
    "video_chat_participants_invited": {"video_chat_participants_invited": {"users": [OTHER]}},
    "video_note": {"video_note": make_file("round", length=240, duration=3)},
    "voice": {"voice": make_file("voice", duration=9, mime_type="audio/ogg")},
    "web_app_data": {"web_app_data": {"data": "form", "button_text": "send"}},
    "write_access_allowed": {"write_access_allowed": {"web_app_name": "app"}},
}
