"""Common English words, by kind: what the dialogues talk about."""

from __future__ import annotations

from functools import lru_cache


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split()))


ANIMALS = _words(
    "ant badger bat bear beaver bee bird bison bull butterfly camel cat cow crab crow deer dog dolphin donkey dove "
    "duck eagle elephant falcon ferret fish fly fox frog giraffe goat goose hamster hare hawk hen heron horse kitten "
    "koala lamb lion lizard lobster mole monkey moose mouse mule octopus otter owl ox panda parrot penguin pig pigeon "
    "pony puppy rabbit rat raven rooster salmon seal shark sheep snail snake spider squirrel swan tiger toad trout "
    "turkey turtle whale wolf worm zebra"
)
FOODS = _words(
    "almond apple apricot banana bean beef berry biscuit bread broccoli butter cabbage cake candy carrot celery "
    "cereal cheese cherry chicken chili chocolate coconut coffee cookie corn cream cucumber curry egg fig flour "
    "garlic ginger grape ham honey jam juice kiwi leek lemon lentil lettuce lime mango meat melon milk mint muffin "
    "mushroom mustard noodle nut oat oil olive onion orange pancake pasta pea peach peanut pear pepper pickle pie "
    "pizza plum popcorn potato pudding pumpkin radish raisin rice roll salad salt sandwich sauce sausage soup spinach "
    "steak sugar syrup tea toast tofu tomato turnip vanilla vinegar waffle walnut water wheat wine yogurt"
)
THINGS = _words(
    "alarm arrow bag ball basket bat bell belt bicycle blanket boat book boot bottle bowl box bracelet brick brush "
    "bucket button camera candle card carpet cart cellphone chain chalk cloth coat coin comb compass computer cord "
    "cork crate credit cup cushion disc dish doll drum engine envelope eraser fan feather fork frame glass glove glue "
    "guitar hammer hat helmet hook hose jacket jar jug kettle key keyboard keychain knife ladder ladle lamp laptop "
    "letter lighter lock magnet map marble mask mat medal microphone mirror mitten mug nail napkin necklace needle "
    "net newspaper notebook paddle painting pan paper parcel pen pencil phone photo piano picture pillow pin pipe "
    "plate plug plunger pocket poster pot purse puzzle racket radio remote ribbon ring robe rope rug ruler sack saw "
    "scarf scissors scooter screw shampoo shield shirt shoe shovel skirt soap sock spatula spear sponge spoon stamp "
    "statue sticker stone string suitcase sweater sword tablet tape teapot teaspoon telephone television tent thermos "
    "thread ticket tie tile tissue toaster tool torch towel toy tray trumpet tube umbrella vase violin wagon wallet "
    "washcloth watch wheel whistle wire wrench"
)
PLACES = _words(
    "armchair attic balcony barn basement bathroom bathtub bed bedroom bench bookcase bookshelf bridge cabin cabinet "
    "cafe camp castle cave cellar chair chest church cinema closet corner couch counter countertop cupboard desk "
    "drawer dresser farm fence field fireplace forest fridge garage garden gate gym hall harbour hotel island kitchen "
    "lake library lobby market meadow microwave mountain museum nightstand office ottoman oven park playground pond "
    "pool porch restaurant river roof room safe school shed shelf shop sink sofa stable stadium stage station stool "
    "stove street table temple theatre toilet tower train tunnel valley village wall wardrobe well window yard zoo"
)
NAMES = _words(
    "Adam Alan Alice Amy Andrew Anna Anton Arthur Barbara Ben Bella Bob Boris Brian Carl Carla Carol Charles Chris "
    "Clara Claire Daniel David Diana Dora Edgar Edith Edward Elena Ella Emil Emily Emma Eric Erica Eva Felix Fiona "
    "Frank Fred George Grace Greta Hanna Harry Heidi Helen Henry Hugo Ida Igor Irene Ivan Jack Jacob James Jane Jason "
    "Jean Jenny Joan John Jonas Jose Julia Karen Karl Kate Kevin Laura Lea Leo Lena Lily Linda Lisa Louis Lucas Lucy "
    "Luis Maria Mark Martha Martin Mary Max Maya Mia Mike Mira Mona Nancy Nadia Nick Nina Noah Nora Olga Oliver Oscar "
    "Otto Paul Paula Pedro Peter Rachel Ralph Ray Rita Robert Roger Rosa Ruth Sam Sara Simon Sofia Sonia Steve Susan "
    "Tania Ted Teresa Thomas Tim Tina Tom Vera Victor Walter Wanda Yusuf Zoe"
)
CITIES = _words(
    "Accra Amsterdam Ankara Athens Baghdad Bangkok Barcelona Beijing Belgrade Berlin Berne Bogota Boston Bremen "
    "Brussels Budapest Cairo Chicago Cologne Dakar Dallas Delhi Denver Dhaka Dublin Florence Geneva Hamburg Hanoi "
    "Havana Helsinki Houston Istanbul Jakarta Kabul Kiev Kyoto Lagos Lima Lisbon London Lyon Madrid Manila Milan "
    "Miami Moscow Mumbai Munich Nairobi Naples Osaka Oslo Ottawa Oxford Paris Perth Prague Quito Riga Rome Santiago "
    "Seoul Seville Shanghai Sofia Stockholm Sydney Tallinn Tehran Tokyo Toronto Tunis Turin Venice Vienna Vilnius "
    "Warsaw York Zagreb Zurich"
)
COLOURS = _words(
    "amber beige black blue brown crimson cyan gold gray green indigo ivory lilac maroon navy orange pink purple red "
    "silver teal violet white yellow"
)
QUALITIES = _words(
    "big bright broken cheap clean cold cool cosy damp dark dirty dry dusty empty fancy fast flat fresh full happy "
    "heavy high hot huge large light little long loud low narrow neat new noisy old plain pretty quick quiet rare "
    "rich rough round sharp short shiny simple slow small smooth soft solid square strange strong tall thick thin "
    "tiny warm wet wide wild young"
)
ACTS = _words(
    "answer ask bake begin borrow bring build buy call carry change check choose climb close collect cook count cross "
    "cut dance dig draw dream drink drive drop eat enter examine explain feed feel fill find finish fix float follow "
    "forget give go grow guess hear heat help hide hold hope hunt invite join jump keep kick laugh lead learn leave "
    "lend lift listen live look love make meet mix move need offer open order pack paint pass pay plant play point "
    "pour practice pull push put reach read repair rest return ride run sail save search see sell send serve share "
    "shout show sing sit sleep smile solve speak stand start stay stop study swim take talk teach tell thank think "
    "throw touch travel turn use visit wait wake walk want wash wave wear win wish work write"
)
JOBS = _words(
    "actor artist author baker banker barber builder butcher captain carpenter chef clerk dancer dentist designer "
    "doctor driver editor engineer farmer fisher gardener guard hunter judge lawyer librarian manager mechanic miner "
    "musician nurse painter pilot plumber poet police president printer professor sailor scientist secretary singer "
    "soldier student surgeon tailor teacher trainer waiter writer"
)
FIELDS = _words(
    "age amount area author brand budget capacity category city class code colour cost count country date day depth "
    "director distance duration group height hour id income item job kind language length level location member model "
    "month name number owner phone place points population position price product quantity rank rating salary score "
    "size speed state status stock team time title total type value weight width year"
)
IDEAS = _words(
    "action actions answer average block change color column count end example false few final form from group here "
    "highest household idea information instead into lowest many maximum middle minimum most news nothing object "
    "operation opinion or other part plan problem question reason record reply result row rows sentence side step "
    "story task test thing think thought time total true turn using value when which word world"
)
"""What is neither thing nor deed, and small words; written in capitals often."""
PARTS = _words(
    "arm bar basin bath burner butter can cell coffee control credit desk dining dish floor foot fruit garbage hair "
    "hamper hand hanger holder key laundry machine night paper pepper remote rest room salt shaker side sink sponge "
    "spray stand stove table tissue toilet top towel tub tv watering wine wood work"
)
"""What longer words are joined of."""
NUMBERS = _words("one two three four five six seven eight nine ten")
ORDINALS = _words("first second third fourth fifth sixth seventh eighth ninth tenth")
ANYTHING = tuple(dict.fromkeys(ANIMALS + FOODS + THINGS + PLACES + COLOURS + QUALITIES + ACTS + JOBS))
NOUNS = tuple(dict.fromkeys(ANIMALS + FOODS + THINGS))
_EVERYDAY = frozenset(
    _words(
        "bird cat cow dog duck fish fox frog goat hen horse lion mouse owl pig rabbit sheep snake tiger wolf "
        "apple banana bread cake carrot cheese cherry egg grape ham honey lemon lettuce meat milk onion orange pear "
        "potato rice salt soup sugar tea tomato bag ball basket bell book bottle bowl box brush candle card clock "
        "coat coin cup disc fan fork glass hammer hat jar kettle key knife ladle lamp laptop letter map mug newspaper "
        "pan paper pen pencil phone pillow plate pot ring rope shoe soap spatula sponge spoon statue ticket towel vase "
        "watch armchair bed bench bridge cabinet cart chair closet countertop desk drawer dresser fridge garden gate "
        "kitchen microwave ottoman oven park safe school shelf shop sink sofa stove table toaster toilet tower wall "
        "window Anna Ben Carl Clara David Emma Eric Frank Grace Helen Ivan Jack Jane Karl Laura Leo Lucy Maria Mark "
        "Nina Oscar Paul Peter Rosa Sam Tom Vera Walter Athens Berlin Boston Cairo Delhi Dublin Lima London Madrid "
        "Miami Moscow Oslo Paris Prague Rome Seoul Sydney Tokyo Venice Vienna black blue brown gold gray green orange "
        "pink red white yellow big clean cold cool dark dry hot long new old short small tall warm close cook find go "
        "heat look open put read take turn use walk write baker doctor driver farmer nurse painter pilot singer "
        "teacher writer age city class color colour count day height job kind name number place price rank score size "
        "team weight year action answer color first form from group item list many next nothing result row rule table "
        "task thing thought time turn value where word"
    )
)


@lru_cache(maxsize=64)
def everyday(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the words that everybody uses every day."""
    return tuple(word for word in words if word in _EVERYDAY)
